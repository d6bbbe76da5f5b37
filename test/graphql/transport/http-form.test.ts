import { once } from 'node:events'
import { connect } from 'node:net'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DatabaseUnavailableError } from '../../../src/database/outage.ts'
import type { Deps } from '../../../src/deps.ts'
import { IssuerUnavailableError } from '../../../src/errors.ts'
import { createGraphqlServer, type GraphqlServer } from '../../../src/graphql/transport/server.ts'
import { maxBodyBytes } from '../../../src/limits/body-size.ts'
import { createRequestRoom } from '../../../src/limits/request-room.ts'
import { serveMount } from '../../http/serve.ts'
import { createTestClock } from '../../support/clock.ts'
import { hubName, openDoor, owner, type TestDoor } from '../door.ts'
import { openPort } from './sockets.ts'

let door: TestDoor
beforeAll(async () => {
  door = await openDoor()
})
afterAll(() => door.close())

const address = 'http://localhost/graphql'
async function send(init: RequestInit, query = '') {
  const response = await door.server.fetch(`${address}${query}`, init)
  const text = await response.text()
  const { errors = [], data } = text === '' ? {} : JSON.parse(text)
  return { status: response.status, message: errors[0]?.message, code: errors[0]?.extensions?.code, data }
}
const post = (body: string | Uint8Array<ArrayBuffer>, headers = {}) =>
  send({ method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })

test.each([
  ['variables that are not JSON', '?query={__typename}&variables=%7B', 'The parameter "variables" is not JSON.'],
  ['variables that are not an object', '?query={__typename}&variables=7', expect.stringContaining('"variables"')],
  ['extensions that are not JSON', '?query={__typename}&extensions=x', 'The parameter "extensions" is not JSON.'],
  ['a query that is not UTF-8', '?query={__typename%20%23%FF}', 'The query string is not valid URL encoding.'],
])('GET with %s is a bad request that says so', async (_what, query, message) => {
  // What takes GraphQL's own type is told by the status.
  expect(await send({ headers: { accept: 'application/graphql-response+json' } }, query)).toEqual({
    status: 400,
    message,
    code: 'BAD_REQUEST',
    data: undefined,
  })
})

test('GET with good variables is answered', async () => {
  expect(await send({}, '?query=query(%24a:Int!){jobs(first:%24a){nodes{jobId}}}&variables={"a":1}')).toMatchObject({
    status: 200,
    data: { jobs: { nodes: [] } },
  })
})

test('a body that is not UTF-8 is a bad request, and none of it becomes another text', async () => {
  const body = Buffer.from('{"query":"{ __typename #X }"}')
  body[body.indexOf('X')] = 0xff
  expect(await post(new Uint8Array(body))).toMatchObject({ status: 400, message: 'The body is not UTF-8.' })
  expect(await post('{"query":"{ __typename #ü\\n }"}')).toMatchObject({ status: 200 })
})

test('a body that is not JSON, and one that is no object, say so', async () => {
  const accept = { accept: 'application/graphql-response+json' }
  expect(await post('{', accept)).toMatchObject({ status: 400, message: 'POST body sent invalid JSON.' })
  expect(await post('7', accept)).toMatchObject({ status: 400, message: expect.stringContaining('number') })
  expect(await post('null', accept)).toMatchObject({ status: 400, message: expect.stringContaining('null') })
})

test("a persisted query is refused in Apollo's words, so that its clients send the whole query", async () => {
  const extensions = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } }
  expect(await post(JSON.stringify({ extensions }))).toEqual({
    status: 200,
    message: 'PersistedQueryNotSupported',
    code: 'PERSISTED_QUERY_NOT_SUPPORTED',
    data: undefined,
  })
  expect(await send({}, `?extensions=${JSON.stringify(extensions)}`)).toMatchObject({
    message: 'PersistedQueryNotSupported',
  })
  expect(await post(JSON.stringify({ query: '{ __typename }', extensions }))).toMatchObject({
    status: 200,
    code: undefined,
  })
})

test.each(['multipart/mixed', 'application/json', 'application/graphql-response+json'])(
  'a subscription whose client takes only %s is told what to ask for, and ended',
  async (accept) => {
    const query = 'subscription { devicePresenceChanged { __typename } }'
    expect(await post(JSON.stringify({ query }), { accept })).toMatchObject({
      status: 406,
      message: expect.stringContaining('text/event-stream'),
    })
    await expect.poll(() => door.server.openStreams()).toBe(0)
  },
)

test('a client that takes no JSON is told what to ask for', async () => {
  const answer = await post('{"query":"{ __typename }"}', { accept: 'text/plain' })
  expect(answer).toMatchObject({ status: 406, message: expect.stringContaining('application/json') })
})

test('the schema is described to who may read something in it', async () => {
  const schema = '{ __schema { queryType { name } } }'
  const type = 'query A { __typename } query B { x: __type(name: "Job") { name } }'
  const ask = async (policy: string, query: string, operationName?: string) =>
    post(JSON.stringify({ query, operationName }), { authorization: await door.token(policy) })
  // First as somebody who may: what was found valid for one is remembered for all.
  for (const policy of ['service', 'registryRead', 'iothubowner']) {
    expect(await ask(policy, schema)).toMatchObject({ status: 200, data: { __schema: {} } })
  }
  expect(await ask('device', schema)).toMatchObject({ data: undefined, code: 'UNAUTHORIZED' })
  expect(await ask('device', type, 'B')).toMatchObject({ data: undefined, code: 'UNAUTHORIZED' })
  expect(await ask('device', '{ __typename }')).toMatchObject({ data: { __typename: 'Query' } })

  const port = await openPort(door)
  const client = port.client({ authorization: await door.token('device') })
  const results = []
  for await (const result of client.iterate({ query: schema })) results.push(result)
  expect(results).toMatchObject([{ errors: [{ extensions: { code: 'UNAUTHORIZED' } }] }])
  await port.close()
})

describe.each(['/graphql', '/graphql?'])('a request to %s whose body is not read', (path) => {
  /** The head of the answer to the beginning of a request, on a connection that the hub has then closed. */
  async function answered(server: GraphqlServer, headers: readonly string[], body = '{'): Promise<string> {
    const { url, close } = await serveMount(server)
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes
    })
    const all = ['Host: localhost', 'Content-Type: application/json', ...headers]
    socket.write(`POST ${path} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${body}`)
    await once(socket, 'data')
    const isClosed = once(socket, 'close')
    expect(text).toMatch(/\r\nconnection: close\r\n/i)
    await isClosed
    await close()
    return text.split('\r\n', 1)[0] ?? ''
  }
  const log = pino({ level: 'silent' })
  const announced = ['Content-Length: 200000']
  const hub = (changes: Partial<Deps>, options: Partial<Parameters<typeof createGraphqlServer>[1]> = {}) =>
    createGraphqlServer({ ...door.deps, log, ...changes }, { hostNames: [hubName], anonymous: owner, ...options })

  test.each([
    ['that is announced as too long', [`Content-Length: ${maxBodyBytes + 1}`], '{'],
    ['that becomes too long', ['Transfer-Encoding: chunked'], `50000\r\n${'x'.repeat(maxBodyBytes + 1)}`],
  ])('%s is refused with 413, and its connection closed', async (_what, headers, body) => {
    expect(await answered(door.server, headers, body)).toBe('HTTP/1.1 413 Payload Too Large')
  })

  test('is closed with its connection after each other refusal', async () => {
    const answers = [
      await answered(door.server, [...announced, 'Authorization: nonsense']),
      await answered(hub({}, { anonymous: undefined }), announced),
      await answered(door.server, [...announced, 'Sec-Fetch-Site: cross-site']),
      await answered(hub({ requestRoom: createRequestRoom({ requestBytes: 100 }) }), announced),
      await answered(hub({}, { authenticate: () => Promise.reject(new IssuerUnavailableError()) }), announced),
      await answered(hub({}, { authenticate: () => Promise.reject(new DatabaseUnavailableError()) }), announced),
    ]
    expect(answers.map((line) => line.split(' ')[1])).toEqual(['401', '401', '403', '429', '503', '503'])
  })
})

test('requests whose connection closes while their tokens are checked give their room back', async () => {
  let letGo = (): void => {}
  const checked = new Promise<void>((resolve) => {
    letGo = resolve
  })
  let checks = 0
  const authenticate = async () => {
    checks++
    await checked
    return owner
  }
  const requestRoom = createRequestRoom({ requestBytes: 15_000 })
  const server = createGraphqlServer(
    { ...door.deps, requestRoom },
    { hostNames: [hubName], anonymous: owner, authenticate },
  )
  let closed = 0
  const { url, close } = await serveMount({
    ...server,
    handle(request, response) {
      response.once('close', () => closed++)
      server.handle(request, response)
    },
  })
  const body = (bytes: number): string => JSON.stringify({ query: `{ __typename } #${'x'.repeat(bytes)}` })
  const one = `Host: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body(4_000).length}\r\n\r\n${body(4_000)}`
  const client = connect(Number(new URL(url).port), '127.0.0.1')
  client.write(`POST /graphql HTTP/1.1\r\n${one}POST /graphql HTTP/1.1\r\n${one}POST /graphql? HTTP/1.1\r\n${one}`)
  await expect.poll(() => checks).toBe(3)
  client.destroy()
  await expect.poll(() => closed).toBe(3)
  letGo()
  await checked
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/graphql`, { method: 'POST', headers, body: body(14_000) })
  expect([answer.status, await answer.json()]).toEqual([200, { data: { __typename: 'Query' } }])
  await close()
  await server.close()
})

test('while a thousand bodies that are too long are refused, the probe and queries are answered', async () => {
  const { url, close } = await serveMount(door.server)
  const head = `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${maxBodyBytes + 1}`
  const clients = Array.from({ length: 1_000 }, () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
    // The client sends the beginning of the body, and waits.
    socket.write(`${head}\r\n\r\n{`)
    return Promise.race([once(socket, 'data'), once(socket, 'close')])
  })
  const answers = []
  for (let count = 0; count < 5; count++) {
    answers.push((await fetch(`${url}/healthz`)).status)
    answers.push(await (await fetch(`${url}/graphql?query={__typename}`)).json())
  }
  expect(answers).toEqual(
    Array(5)
      .fill([200, { data: { __typename: 'Query' } }])
      .flat(),
  )
  const refusals = (await Promise.all(clients)).map(([bytes]) => {
    const text = String(bytes)
    return [/^HTTP\/1.1 (\d+) /.exec(text)?.[1], /^connection: (.*)$/im.exec(text)?.[1]]
  })
  // 429 when the room for requests is full before the length is looked at.
  const isRefused = ([status, connection]: unknown[]) =>
    (status === '413' || status === '429') && connection === 'close'
  expect(refusals.filter((refusal) => !isRefused(refusal))).toEqual([])
  await close()
})

test('a request that was read as a whole leaves its connection to the next one, also when it is refused', async () => {
  const { url, close } = await serveMount(door.server)
  for (const body of ['{"query":"{ __typename }"}', '{', '7']) {
    for (const path of ['/graphql', '/graphql?']) {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body })
      expect([answer.headers.get('connection'), await answer.json()]).toEqual(['keep-alive', expect.anything()])
    }
  }
  await close()
})

test.each(['Content-Length: 5000', 'Transfer-Encoding: chunked'])(
  'a client that disconnects while it sends a body with %s leaves no line in the log',
  async (header) => {
    const { handle } = door.server
    let ended: Promise<unknown> | undefined
    const server: GraphqlServer = {
      ...door.server,
      handle(request, response) {
        ended = once(response, 'close')
        handle(request, response)
        request.once('data', () => socket.destroy())
      },
    }
    const port = await openPort({ server })
    const { hostname, port: number } = new URL(port.url)
    const socket = connect(Number(number), hostname)
    socket.write(`POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${header}\r\n\r\n`)
    socket.write('5\r\n{"que\r\n')
    await once(socket, 'close')
    await ended
    // The log would have the line by the time that another request is answered.
    expect((await door.ask('{ __typename }')).status).toBe(200)
    expect(door.logged).toEqual([])
    await port.close()
  },
)

test('a refused token leaves one line in the log for many, with the reason and the address', async () => {
  const lines: Record<string, unknown>[] = []
  const clock = createTestClock()
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const server = createGraphqlServer({ ...door.deps, clock, log }, { hostNames: [hubName], anonymous: undefined })
  const port = await openPort({ server })
  const ask = (authorization?: string) =>
    fetch(port.url.replace('ws', 'http'), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
      body: '{"query":"{ __typename }"}',
    })
  const wrong = await door.token('service', { key: Buffer.alloc(32, 1).toString('base64') })
  for (let count = 0; count < 3; count++) expect((await ask(wrong)).status).toBe(401)
  expect((await ask()).status).toBe(401)
  const socket = await port.socket()
  socket.send({ type: 'connection_init', payload: { authorization: 'nonsense' } })
  expect((await socket.closed).code).toBe(4401)
  expect(lines).toMatchObject([
    { protocol: 'GraphQL', address: '127.0.0.1', reason: expect.stringContaining('another key') },
    { protocol: 'GraphQL', address: '127.0.0.1', reason: 'no token was sent' },
    { protocol: 'GraphQL', address: '127.0.0.1', reason: expect.stringContaining('malformed') },
  ])
  expect(JSON.stringify(lines)).not.toContain('sig=')
  await port.close()
  await server.close()
})
