import { parse, validate } from 'graphql'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { givenMethodJob } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { type OpenPort, openPort } from './sockets.ts'

// Documents are parsed and validated as ever, and counted.
vi.mock(import('graphql'), async (load) => {
  const graphql = await load()
  return { ...graphql, parse: vi.fn(graphql.parse), validate: vi.fn(graphql.validate) }
})

let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor()
  await givenMethodJob(door.deps, 'nobody', {}, { jobId: 'ended' })
  await door.ask('mutation { cancelJob(input: { jobId: "ended" }) { __typename } }')
  port = await openPort(door)
})
afterAll(async () => {
  await port.close()
  await door.close()
})

const json = { 'content-type': 'application/json' }
const post = { method: 'POST', headers: json, duplex: 'half' } as const
const bodyOf = (query: string): string => JSON.stringify({ query })

/** Sends a query, like the clients of each way. */
const ways: Readonly<Record<string, (url: string, text: string) => Promise<Response>>> = {
  'a query': (url, text) => fetch(url, { ...post, body: bodyOf(`{ __typename } ${text}`) }),
  'a query without a length': (url, text) =>
    fetch(url, { ...post, body: new Blob([bodyOf(`{ __typename } ${text}`)]).stream() }),
  'a subscription over server-sent events': (url, text) => {
    const body = bodyOf(`subscription { deviceJobStatistics(jobId: "ended") { version } } ${text}`)
    return fetch(url, { ...post, headers: { ...json, accept: 'text/event-stream' }, body })
  },
}

test.each(Object.entries(ways))(
  "%s with a document that is too long for the cache is parsed and validated once, in the caller's turn",
  async (way, send) => {
    const { longTurns } = door.deps
    const take = longTurns.take.bind(longTurns)
    const counts = () => ({
      parsed: vi.mocked(parse).mock.calls.length,
      validated: vi.mocked(validate).mock.calls.length,
    })
    const inTurn: unknown[] = []
    const spied = vi.spyOn(longTurns, 'take').mockImplementation((caller, work, signal) => {
      const observed = () => {
        const done = work()
        inTurn.push(counts())
        return done
      }
      return take(caller, observed, signal)
    })
    vi.mocked(parse).mockClear()
    vi.mocked(validate).mockClear()
    const response = await send(port.url.replace('ws', 'http'), `# ${way} ${'x'.repeat(20_000)}`)
    const answer = await response.text()
    spied.mockRestore()
    expect(answer).toContain('"data":{')
    expect({ inTurn, inAll: counts() }).toEqual({
      inTurn: [{ parsed: 1, validated: 1 }],
      inAll: { parsed: 1, validated: 1 },
    })
  },
)
