import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { maxBodyBytes } from '../../../src/limits/body-size.ts'
import { longRequestBytes } from '../../../src/limits/long-turns.ts'
import { givenDevices, givenMethodJob } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { type OpenPort, openPort } from './sockets.ts'

let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor()
  await givenDevices(door.deps, 'pump', 2)
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'job' })
  port = await openPort(door)
})
afterAll(async () => {
  await port.close()
  await door.close()
})

type Sent = { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string | Buffer }

/** The bytes of the whole response on a connection of its own. */
async function rawResponse(path: string, { method = 'POST', headers = {}, body = '' }: Sent): Promise<string> {
  const { host, hostname, port: number } = new URL(port.url)
  const bytes = Buffer.from(body)
  const all = {
    host,
    connection: 'close',
    'content-type': 'application/json',
    'content-length': `${bytes.length}`,
    ...headers,
  }
  const head = Object.entries(all).flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}`]))
  const socket = connect(Number(number), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.write(Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`), bytes]))
  await once(socket, 'close')
  return (
    Buffer.concat(chunks)
      .toString()
      .replace(/^Date: .*\r\n/m, '')
      // A refusal adds it to a request whose body has not arrived yet.
      .replace(/^connection: close\r\n/im, '')
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '(uuid)')
  )
}

const ask = (query: unknown, others: Record<string, unknown> = {}): string => JSON.stringify({ query, ...others })
const both = 'application/graphql-response+json, application/json'
const longest = JSON.stringify({ query: `{ __typename } #${'x'.repeat(maxBodyBytes)}` })
const invalidUtf8 = Buffer.from(ask('{ __typename #X\n}'))
invalidUtf8[invalidUtf8.indexOf('X')] = 0xff
const bodies: Record<string, string | Buffer> = {
  'a query': ask('{ __typename }'),
  'a list': ask('{ jobs(first: 20) { totalCount nodes { jobId status } pageInfo { hasNextPage } } }'),
  'a query with variables': ask('query ($id: String!) { device(deviceId: $id) { deviceId status } }', {
    variables: { id: 'pump-0001' },
  }),
  'a chosen operation': ask('query A { __typename } query B { b: __typename }', { operationName: 'B' }),
  'a mutation with an expected error': ask(
    'mutation { cancelJob(input: { jobId: "none" }) { __typename ... on Error { message } } }',
  ),
  introspection: ask('{ __schema { queryType { name } } __type(name: "Job") { name } }'),
  'extensions and nulls': ask('{ __typename }', { extensions: {}, variables: null, operationName: null }),
  'a byte order mark': `\uFEFF${ask('{ __typename }')}`,
  'an ID that is none': ask('{ node(id: "x") { id } }'),
  'too large a page': ask('{ jobs(first: 1000) { nodes { jobId } } }'),
  'too large a complexity': ask('{ jobs(first: 100) { nodes { deviceJobs(first: 100) { nodes { deviceId } } } } }'),
  'nothing that parses': ask('{'),
  'no text': ask(''),
  'what the schema does not have': ask('{ nothing other }'),
  'a variable of another type': ask('query ($id: String!) { device(deviceId: $id) { deviceId } }', {
    variables: { id: 7 },
  }),
  'a variable that is missing': ask('query ($id: String!) { device(deviceId: $id) { deviceId } }'),
  'an unknown operation': ask('query A { __typename }', { operationName: 'B' }),
  'two operations without a name': ask('query A { __typename } query B { __typename }'),
  'an empty name': ask('query A { __typename }', { operationName: '' }),
  'only fragments': ask('fragment A on Query { __typename }'),
  'a document nested too deeply': ask('{'.repeat(1500)),
  'a document over the limit of depth': ask(`{ ${'node(id: "x") { ... on Job { family '.repeat(13)}`),
  'variables nested too deeply': ask('{ __typename }', {
    variables: JSON.parse(`{"a":${'['.repeat(400)}${']'.repeat(400)}}`),
  }),
  'variables that are a list': ask('{ __typename }', { variables: [] }),
  'extensions that are a text': ask('{ __typename }', { extensions: 'x' }),
  'a name that is a number': ask('{ __typename }', { operationName: 7 }),
  'a query that is a number': ask(7),
  'no query': '{}',
  'a persisted query': JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: 'a' } } }),
  'an unexpected parameter': ask('{ __typename }', { id: 1 }),
  'a parameter of every object': '{"query":"{ __typename }","__proto__":{}}',
  'no JSON': '{',
  'a number': '7',
  null: 'null',
  'a batch': `[${ask('{ __typename }')}]`,
  'no UTF-8': invalidUtf8,
  nothing: '',
  'too much': longest,
}
const accepts = ['', both, 'application/json', 'application/graphql-response+json; charset=utf-8']
// With a query string, even an empty one, Yoga handles the request.
test.each(Object.entries(bodies))(
  '%s gets the same bytes as from Yoga, whatever JSON is accepted',
  async (_what, body) => {
    for (const accept of accepts) {
      const sent = { body, headers: { accept } }
      const expected = await rawResponse('/graphql?', sent)
      expect(expected).toMatch(/^HTTP\/1.1 \d/)
      expect(await rawResponse('/graphql', sent)).toBe(expected)
    }
  },
)

const query = ask('{ __typename }')
test.each<[string, Sent]>([
  ['a form', { body: query, headers: { 'content-type': 'text/plain' } }],
  [
    'an address of JSON with parameters',
    { body: query, headers: { 'content-type': 'Application/JSON ; charset=utf-8' } },
  ],
  ['a compressed body', { body: query, headers: { 'content-encoding': 'gzip' } }],
  ['a body that is said to be as it is', { body: query, headers: { 'content-encoding': 'identity' } }],
  ['pictures', { body: query, headers: { accept: 'image/png' } }],
  ['pictures and anything', { body: query, headers: { accept: 'image/png, */*;q=0.1' } }],
  ['anything of the application', { body: query, headers: { accept: 'application/*' } }],
  ['another charset', { body: query, headers: { accept: 'application/json; charset=latin1' } }],
  ['what most clients accept', { body: query, headers: { accept: `${both}, text/event-stream, multipart/mixed` } }],
  ['a wrong token', { body: query, headers: { authorization: 'SharedAccessSignature sr=x' } }],
  ['a page of another site', { body: query, headers: { origin: 'https://evil.example' } }],
  ['a proxy without a token', { body: query, headers: { 'x-forwarded-for': '10.0.0.1' } }],
  ['another method', { method: 'GET', headers: { accept: 'application/json' } }],
  ['a mutation without a result', { body: ask('mutation { __typename }') }],
])('%s gets the same bytes as from Yoga', async (_what, sent) => {
  const expected = await rawResponse('/graphql?', sent)
  expect(expected).toMatch(/^HTTP\/1.1 \d/)
  expect(await rawResponse('/graphql', sent)).toBe(expected)
})

test('a subscription that may not be an event stream gets the same bytes as from Yoga', async () => {
  for (const accept of [both, 'application/json', 'application/graphql-response+json']) {
    const sent = { body: ask('subscription { jobUpdated { __typename } }'), headers: { accept } }
    const expected = await rawResponse('/graphql?', sent)
    expect(expected).toContain('406')
    expect(await rawResponse('/graphql', sent)).toBe(expected)
  }
  await expect.poll(() => door.server.openStreams()).toBe(0)
})

test.each(['*/*', `${both}, text/event-stream`])(
  'a subscription by a plain request that accepts %s is a stream',
  async (accept) => {
    const leave = new AbortController()
    const response = await fetch(port.url.replace('ws:', 'http:'), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: ask('subscription { deviceJobStatistics(jobId: "job") { job { jobId } } }'),
      signal: leave.signal,
    })
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk)
      if (text.includes('"jobId":"job"')) break
    }
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(text).toContain('event: next')
    leave.abort()
    await expect.poll(() => door.server.openStreams()).toBe(0)
  },
)

test('a client that disconnects before its body has arrived leaves nothing behind', async () => {
  const { host, hostname, port: number } = new URL(port.url)
  const socket = connect(Number(number), hostname)
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
  )
  await once(socket, 'connect')
  socket.destroy()
  await expect.poll(() => port.connections.at(-1)?.closed).toBe(true)
  expect(door.logged).toEqual([])
})

test('a body without a length gets the same bytes as from Yoga', async () => {
  const body = `${query.length.toString(16)}\r\n${query}\r\n0\r\n\r\n`
  const sent = { body, headers: { 'content-length': '', 'transfer-encoding': 'chunked' } }
  expect(await rawResponse('/graphql', sent)).toBe(await rawResponse('/graphql?', sent))
})

test('a large request waits for turns of its caller, and a small one does not', async () => {
  const take = vi.spyOn(door.deps.longTurns, 'take')
  /** Another document each time, so that it is not known to be valid. */
  const query = (letter: string) => `{ __typename } #${letter.repeat(longRequestBytes)}`
  const turnsOf = async (send: () => Promise<unknown>): Promise<readonly string[]> => {
    take.mockClear()
    expect(await send()).toEqual(expect.objectContaining({ data: { __typename: 'Query' } }))
    return take.mock.calls.map(([caller]) => caller)
  }
  const url = port.url.replace('ws', 'http')
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, duplex: 'half' } as const
  const post = async (body: string | ReadableStream) => await (await fetch(url, { ...init, body })).json()
  const turns = (count: number) => Array.from({ length: count }, () => expect.stringMatching(/ at .*127\.0\.0\.1$/))
  // One to parse it, five to validate it, and one for the rest, which the other way takes without waiting.
  expect(await turnsOf(() => post(ask(query('x'))))).toEqual(turns(7))
  expect(await turnsOf(() => post(new Blob([ask(query('y'))]).stream()))).toEqual(turns(6))
  expect(await turnsOf(() => post(ask('{ __typename }')))).toEqual([])
  take.mockRestore()
})

test('a request that asks by several long conditions waits for a turn for each of them', async () => {
  const take = vi.spyOn(door.deps.longTurns, 'take')
  const numbersOf = (length: number): string => `[${Array.from({ length }, (_, index) => 1_000 + index).join(', ')}]`
  const conditions = [100, 101, 2].map((length) => `tags.number NIN ${numbersOf(length)}`)
  const fields = conditions.map(
    (text, index) => `a${index}: devices(queryCondition: "${text}", first: 1) { totalCount }`,
  )
  const response = await fetch(port.url.replace('ws', 'http'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: ask(`{ ${fields.join(' ')} }`),
  })
  const found = { totalCount: expect.any(Number) }
  expect(await response.json()).toEqual({ data: { a0: found, a1: found, a2: found } })
  expect(take).toHaveBeenCalledTimes(2)
  take.mockRestore()
})
