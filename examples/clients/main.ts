// npm start -- <client> <condition>: signs in, calls a method on devices, and prints each device job as it ends.

import { WebSocket } from 'ws'
import { createSession, fixedSession } from './session.ts'
import { signInAtTerminal } from './terminal-sign-in.ts'
import { useApollo } from './use-apollo.ts'
import { useGraphqlWs } from './use-graphql-ws.ts'
import { useRelay } from './use-relay.ts'
import { useUrql } from './use-urql.ts'

const clients = { 'graphql-ws': useGraphqlWs, urql: useUrql, apollo: useApollo, relay: useRelay }

const { HUB_URL = 'http://localhost:4000/graphql', HUB_TOKEN } = process.env
const { OIDC_ISSUER, OIDC_CLIENT_ID = 'page', OIDC_AUDIENCE = '' } = process.env
const [name = '', queryCondition] = process.argv.slice(2)
const createHubClient = Object.entries(clients).find(([key]) => key === name)?.[1]
if (createHubClient === undefined || !queryCondition) {
  console.error(`Usage: npm start -- ${Object.keys(clients).join('|')} <condition>`)
  process.exit(2)
}

const signIn = async () => {
  if (OIDC_ISSUER === undefined) return fixedSession(HUB_TOKEN)
  const registration = { issuer: OIDC_ISSUER, clientId: OIDC_CLIENT_ID, audience: OIDC_AUDIENCE }
  const { tokens, renew } = await signInAtTerminal(registration, console.log)
  return createSession(tokens, renew)
}

const said = {
  lost: 'The connection is lost; trying again.',
  back: 'Connected again.',
  renewed: 'The token is renewed.',
}
try {
  const client = createHubClient({
    url: HUB_URL,
    session: await signIn(),
    webSocketImpl: WebSocket,
    onConnection: (event) => console.log(said[event]),
  })
  try {
    const jobId = await client.schedule({ queryCondition, cloudToDeviceMethod: { methodName: 'reboot' } })
    console.log(`Scheduled ${jobId}.`)
    await client.follow(jobId, (deviceJobs) => {
      for (const { deviceId, status } of deviceJobs) console.log(`${deviceId} ${status}`)
    })
    console.log('All device jobs have ended.')
  } finally {
    client.close()
  }
} catch (error) {
  console.error(`${HUB_URL}: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
