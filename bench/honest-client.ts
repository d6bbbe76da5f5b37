import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Target } from './attack-target.ts'
import { VoidRunError } from './row.ts'

/** A client that asks as a console does, over connections that it keeps. */
export type HonestClient = {
  /**
   * Asks for one device after the other, `paceMs` apart whether or not answers come, so that what waits is counted too.
   * The milliseconds from when each request was written until its answer had arrived. VoidRunError for a wrong answer.
   */
  ask(deviceIds: readonly string[], paceMs: number): Promise<number[]>
  close(): void
}

const readDevice =
  'query ($deviceId: String!) { device(deviceId: $deviceId) { deviceId connectionState twin { tags } } }'

/** Not that of the attackers: an honest client is another caller than they are. */
const ownAddress = '127.0.0.2'

/** As little program as possible: what it spends itself between writing and reading would count as the hub's. */
export function openHonestClient({ httpPort }: Pick<Target, 'httpPort'>, token: string): HonestClient {
  const agent = new Agent({ keepAlive: true, localAddress: ownAddress })
  const askOne = async (deviceId: string): Promise<number> => {
    const body = JSON.stringify({ query: readDevice, variables: { deviceId } })
    const headers = { authorization: token, 'content-type': 'application/json', 'content-length': body.length }
    const asking = request({ host: '127.0.0.1', port: httpPort, path: '/graphql', method: 'POST', agent, headers })
    const begin = performance.now()
    asking.end(body)
    const [response] = await once(asking, 'response')
    const answer = await text(response)
    const wait = performance.now() - begin
    if (answer.includes(`"deviceId":"${deviceId}"`)) return wait
    throw new VoidRunError(`Void: the honest client received no device ${deviceId}: ${answer.slice(0, 200)}`)
  }
  return {
    async ask(deviceIds, paceMs) {
      const start = performance.now()
      const asked = deviceIds.map(async (deviceId, index) => {
        await new Promise((resolve) => setTimeout(resolve, start + index * paceMs - performance.now()))
        return await askOne(deviceId)
      })
      return await Promise.all(asked)
    },
    close: () => agent.destroy(),
  }
}
