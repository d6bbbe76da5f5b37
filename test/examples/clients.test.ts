import { createHash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { CreateDevices, ReadDeviceJobs, ScheduleMethod } from '../journeys/operations.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { type Issuer, openIssuer } from '../support/issuer.ts'
import { killScripts, startScript } from '../support/script.ts'
import { openAddress } from '../support/sign-in.ts'
import { openTcpProxy } from '../support/tcp-proxy.ts'

const root = resolve(import.meta.dirname, '../..')
const clients = ['graphql-ws', 'urql', 'apollo', 'relay'] as const
/** How each client loses its connection: it is reset and refused for a while, or bytes no longer arrive. */
const losses = { 'graphql-ws': 'refuse', urql: 'stall', apollo: 'refuse', relay: 'stall' } as const

/** A program that follows a job with each of the clients, and prints how many rows came, and how many different ones. */
const followAll = `
import { print } from 'graphql'
import { WebSocket } from 'ws'
import { followEvents } from './event-stream.ts'
import { EndedDeviceJobs } from './operations.ts'
import { fixedSession } from './session.ts'
import { useApollo } from './use-apollo.ts'
import { useGraphqlWs } from './use-graphql-ws.ts'
import { useRelay } from './use-relay.ts'
import { useUrql } from './use-urql.ts'
const settings = { url: process.env.HUB_URL, session: fixedSession(undefined), webSocketImpl: WebSocket }
const useEventStream = () => ({
  follow: (jobId, onEnded) =>
    followEvents(settings, { query: print(EndedDeviceJobs), variables: { jobId } }, ({ deviceJobEnded }) =>
      onEnded(deviceJobEnded.deviceJobs),
    ),
  close() {},
})
const clients = { apollo: useApollo, 'event-stream': useEventStream, 'graphql-ws': useGraphqlWs, relay: useRelay, urql: useUrql }
await Promise.all(
  Object.entries(clients).map(async ([name, create]) => {
    const client = create(settings)
    const ids = []
    await client.follow('restarted', (deviceJobs) => {
      if (ids.length === 0) console.log(name + ' follows')
      ids.push(...deviceJobs.map(({ deviceId }) => deviceId))
    })
    console.log(name, ids.length, new Set(ids).size)
    client.close()
  }),
)
`

// A copy, as a front-end developer takes one, with the packages of this repository instead of its own.
let base = ''
let folder = ''
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'twincast-clients-'))
  folder = join(base, 'examples/clients')
  await cp(join(root, 'examples/clients'), folder, {
    recursive: true,
    filter: (path) => !/[/\\](?:node_modules|generated|__generated__)$/.test(path),
  })
  await cp(join(root, 'schema.graphql'), join(base, 'schema.graphql'))
  // The compiler only adds to its file, so that it would keep documents that no longer exist.
  await writeFile(join(folder, 'relay-persisted.json'), '{}')
  await symlink(join(root, 'node_modules'), join(base, 'node_modules'), 'junction')
  const { code, said } = await startScript(folder, 'generate', [], { FORCE_NO_WATCHMAN: '1' }).ended
  expect({ code, said }).toMatchObject({ code: 0 })
})
afterAll(killScripts)
afterAll(() => rm(base, { recursive: true, force: true }))

const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8')

test('the clients fit the schema and the types of their libraries', async () => {
  expect(await startScript(folder, 'types').ended).toEqual({ code: 0, said: '' })
})

test('the documents of Relay that the hub is to trust are those of the compiler', async () => {
  expect(await read('relay-persisted.json')).toBe(
    await readFile(join(root, 'examples/clients/relay-persisted.json'), 'utf8'),
  )
})

test('the packages of the clients are versions that this repository has', async () => {
  const own = JSON.parse(await read('package.json'))
  const all = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  expect({ ...all.dependencies, ...all.devDependencies }).toMatchObject({ ...own.dependencies, ...own.devDependencies })
})

describe('a client', () => {
  let issuer: Issuer
  let app: TestApp
  const fleets = new Map<string, Fleet>()
  beforeAll(async () => {
    issuer = await openIssuer({ tokenSeconds: 20 })
    // Under the same ids, the hub has other documents. So it accepts neither the texts of the clients, which it does not
    // trust, nor an id together with a text.
    const trusted: Record<string, string> = {}
    for (const file of ['generated/persisted-documents.json', 'relay-persisted.json']) {
      for (const [id, text] of Object.entries<string>(JSON.parse(await read(file)))) {
        trusted[id] = text.replace(/\b(cursor|message)\b/, '$1 again: $1')
      }
    }
    for (const text of [String(CreateDevices), String(ReadDeviceJobs)]) {
      trusted[createHash('sha256').update(text).digest('hex')] = text
    }
    await writeFile(join(base, 'trusted.json'), JSON.stringify(trusted))
    // The hub tolerates 60 seconds of difference between clocks. Its clock is 58 seconds fast, so for the hub a token of 20
    // seconds ends after 22.
    const fast = { ...systemClock, now: () => new Date(Date.now() + 58_000) }
    const variables = {
      IOTHUB_OWNER_KEY: Buffer.alloc(32, 'k').toString('base64'),
      OIDC_ISSUER: issuer.url,
      OIDC_AUDIENCE: issuer.audience,
      TRUSTED_DOCUMENTS: join(base, 'trusted.json'),
      TRUSTED_DOCUMENTS_ONLY: 'true',
    }
    app = await startApp(variables, fast)
    for (const name of clients) {
      const devices = await registerFleet(app.client, name, 4, () => ({ kind: 'answer' }))
      const fleet = createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices })
      await fleet.connect({ deviceIds: [`${name}-0`, `${name}-1`] })
      fleets.set(name, fleet)
    }
  })
  afterAll(async () => {
    for (const fleet of fleets.values()) await fleet.close()
    await app?.close()
    await issuer?.close()
  })

  // Concurrent tests need the `expect` of their own context.
  test.concurrent.for(clients)(
    'on %s sends ids, outlives its tokens, reconnects and gets each ended device job once',
    { timeout: 180_000 },
    async (name, { expect }) => {
      const soon = { timeout: 60_000 }
      const proxy = await openTcpProxy({ host: '127.0.0.1', port: Number(new URL(app.addresses.http).port) })
      const program = startScript(folder, 'start', [name, `tags.fleet = '${name}'`], {
        HUB_URL: `http://127.0.0.1:${proxy.port}/graphql`,
        OIDC_ISSUER: issuer.url,
        OIDC_AUDIENCE: issuer.audience,
      })
      const shows = (line: RegExp | string, times = 1): Promise<void> =>
        expect
          .poll(() => program.lines.filter((one) => new RegExp(line).test(one)).length, {
            ...soon,
            message: `${name}: ${line}`,
          })
          .toBeGreaterThanOrEqual(times)
      const linkIn = (): string => program.lines.find((line) => line.startsWith('Open '))?.slice(5) ?? ''
      await expect.poll(linkIn, soon).toMatch(/^http/)
      await openAddress(linkIn())
      await shows(`${name}-0 COMPLETED`)
      await shows(`${name}-1 COMPLETED`)
      const jobId = /^Scheduled (.*)\.$/m.exec(program.lines.join('\n'))?.[1] ?? ''

      // A device job ends while the client has no connection.
      if (losses[name] === 'stall') proxy.breakOpen('stall')
      else await proxy.become('refuse')
      await fleets.get(name)?.connect({ deviceIds: [`${name}-2`] })
      const endedIds = async () =>
        (await readDeviceJobs(app.client, jobId)).nodes
          .filter(({ status }) => status === 'COMPLETED')
          .map(({ deviceId }) => deviceId)
      await expect.poll(endedIds, soon).toContain(`${name}-2`)
      if (losses[name] === 'refuse') {
        await shows('The connection is lost')
        await proxy.become('forward')
      }
      await shows('Connected again.')
      const renewedBefore = program.lines.filter((line) => line.includes('renewed')).length
      await shows(`${name}-2 COMPLETED`)

      // The second renewal comes after the end of the token with which this connection began.
      await shows('The token is renewed', renewedBefore + 2)
      await fleets.get(name)?.connect({ deviceIds: [`${name}-3`] })
      const { code, said } = await program.ended
      await proxy.close()
      const lines = said.trim().split('\n')
      expect(lines.filter((line) => line !== 'The token is renewed.')).toEqual([
        expect.stringMatching(/^Open http/),
        `Scheduled ${jobId}.`,
        expect.stringMatching(`^${name}-[01] COMPLETED$`),
        expect.stringMatching(`^${name}-[01] COMPLETED$`),
        'The connection is lost; trying again.',
        'Connected again.',
        `${name}-2 COMPLETED`,
        `${name}-3 COMPLETED`,
        'All device jobs have ended.',
      ])
      expect(new Set(lines.filter((line) => line.endsWith('COMPLETED'))).size).toBe(4)
      expect(code).toBe(0)
    },
  )

  test.concurrent('on each of these, and over server-sent events, gets every row of a job once over a restart of the hub', {
    timeout: 180_000,
  }, async ({ expect }) => {
    const documents = ['generated/persisted-documents.json', 'relay-persisted.json'].map((file) => join(folder, file))
    const own = await startApp({ TRUSTED_DOCUMENTS: documents.join(',') })
    const devices = await registerFleet(own.client, 'many', 1_000, () => ({ kind: 'answer' }))
    const fleet = createFleet({ host: '127.0.0.1', port: own.mqttPort, hubName: 'localhost', devices })
    const ids = devices.map(({ deviceId }) => deviceId)
    await fleet.connect({ deviceIds: ids.slice(0, 600) })
    const input = { jobId: 'restarted', queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot' } }
    await own.client.execute(ScheduleMethod, { input })
    await writeFile(join(folder, 'follow-all.ts'), followAll)
    const { scripts, ...others } = JSON.parse(await read('package.json'))
    const added = { ...others, scripts: { ...scripts, 'follow-all': 'tsx follow-all.ts' } }
    await writeFile(join(folder, 'package.json'), JSON.stringify(added))
    const program = startScript(folder, 'follow-all', [], { HUB_URL: own.addresses.graphql })
    const follows = () => program.lines.filter((line) => line.endsWith(' follows')).length
    await expect.poll(follows).toBe(5)
    await own.restart()
    await fleet.connect({ deviceIds: ids })
    const { code, said } = await program.ended
    expect(
      said
        .split('\n')
        .filter((line) => /\d$/.test(line))
        .sort(),
    ).toEqual(['apollo', 'event-stream', 'graphql-ws', 'relay', 'urql'].map((name) => `${name} 1000 1000`))
    expect(code).toBe(0)
    await fleet.close()
    await own.close()
  })

  test.concurrent.for(clients)('on %s shows the message of an expected error', async (name, { expect }) => {
    const variables = { HUB_URL: app.addresses.graphql, HUB_TOKEN: app.ownerToken }
    expect(await startScript(folder, 'start', [name, 'tags.fleet = '], variables).ended).toEqual({
      code: 1,
      said: expect.stringMatching(/unexpected end of condition/),
    })
  })
})
