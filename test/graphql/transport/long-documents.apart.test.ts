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
const bodyOf = (query: string, variables = {}): string => JSON.stringify({ query, variables })

/** Sends a query, like the clients of each way. */
const ways: Readonly<Record<string, (url: string, text: string, signal?: AbortSignal) => Promise<Response>>> = {
  'a query': (url, text, signal) =>
    fetch(url, { ...post, ...(signal && { signal }), body: bodyOf(`{ __typename } ${text}`) }),
  'a query without a length': (url, text, signal) =>
    fetch(url, { ...post, ...(signal && { signal }), body: new Blob([bodyOf(`{ __typename } ${text}`)]).stream() }),
  'a subscription over server-sent events': (url, text, signal) => {
    const body = bodyOf(`subscription { deviceJobStatistics(jobId: "ended") { version } } ${text}`)
    return fetch(url, { ...post, ...(signal && { signal }), headers: { ...json, accept: 'text/event-stream' }, body })
  },
}

const counts = () => ({
  parsed: vi.mocked(parse).mock.calls.length,
  validated: vi.mocked(validate).mock.calls.length,
})

test.each(Object.entries(ways))(
  '%s with a document that is too long for the cache is parsed and validated once, in turns of the caller',
  async (way, send) => {
    const { longTurns } = door.deps
    const take = longTurns.take.bind(longTurns)
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
    // One to parse it, one for its shape, and four for the rules.
    const validations = [0, 0, 1, 2, 3, 4]
    expect(inTurn.slice(0, 6)).toEqual(validations.map((validated) => ({ parsed: 1, validated })))
    expect(counts()).toEqual({ parsed: 1, validated: 4 })
  },
)

/** A short query with long variables, like the clients of each way. Each query is another, so it is parsed. */
const variables = { id: 'x'.repeat(5_000) }
const short: Readonly<Record<string, (url: string) => Promise<Response>>> = {
  'a body': (url) => fetch(url, { ...post, body: bodyOf('{ a: __typename }', variables) }),
  'a body without a length': (url) =>
    fetch(url, { ...post, body: new Blob([bodyOf('{ b: __typename }', variables)]).stream() }),
  'a body below a search string': (url) =>
    fetch(`${url}?x=1`, { ...post, body: bodyOf('{ c: __typename }', variables) }),
  'a search string': (url) => fetch(`${url}?query={ d: __typename }&variables=${JSON.stringify(variables)}`),
}

test.each(Object.entries(short))(
  "%s with long variables is parsed in the caller's turn, with its short document",
  async (_way, send) => {
    const { longTurns } = door.deps
    const take = longTurns.take.bind(longTurns)
    const inTurn: unknown[] = []
    const spied = vi.spyOn(longTurns, 'take').mockImplementation((caller, work, signal) => {
      const observed = () => {
        const json = vi.spyOn(JSON, 'parse')
        const done = work()
        inTurn.push(json.mock.calls.some(([text]) => text.includes(variables.id)))
        json.mockRestore()
        return done
      }
      return take(caller, observed, signal)
    })
    vi.mocked(parse).mockClear()
    const response = await send(port.url.replace('ws', 'http'))
    const answer = await response.text()
    spied.mockRestore()
    expect(answer).toContain('"data":{')
    expect(inTurn[0]).toBe(true)
    expect(counts().parsed).toBe(1)
  },
)

test.each(Object.entries(ways))(
  '%s whose client disconnects before its turn is neither parsed nor validated',
  async (way, send) => {
    const { longTurns } = door.deps
    const take = longTurns.take.bind(longTurns)
    const client = new AbortController()
    let taken: unknown = 'no turn yet'
    const spied = vi.spyOn(longTurns, 'take').mockImplementation(async (caller, work, signal) => {
      client.abort()
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      const done = await take(caller, work, signal)
      taken = done
      return done
    })
    vi.mocked(parse).mockClear()
    vi.mocked(validate).mockClear()
    const sent = send(port.url.replace('ws', 'http'), `# ${way} left ${'x'.repeat(20_000)}`, client.signal)
    await expect(sent).rejects.toThrow('aborted')
    await expect.poll(() => taken).toBeUndefined()
    await new Promise(setImmediate)
    spied.mockRestore()
    expect(counts()).toEqual({ parsed: 0, validated: 0 })
    expect(door.logged).toEqual([])
  },
)
