import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createGraphqlServer, type GraphqlServer } from '../../src/graphql/transport/server.ts'
import { hubName, openDoor, owner, type TestDoor } from '../graphql/door.ts'
import { serveMount } from './serve.ts'

let door: TestDoor
let graphql: GraphqlServer
let served: Awaited<ReturnType<typeof serveMount>>
let lines: Record<string, unknown>[] = []

beforeAll(async () => {
  door = await openDoor()
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const { db } = door.deps
  const reads = { query: () => Promise.reject(new Error('the secret')) }
  const authenticate = async (authorization: string | undefined) => {
    if (authorization === 'broken') throw new Error('the secret of the token')
    return owner
  }
  const options = { hostNames: [hubName], anonymous: owner, authenticate }
  graphql = createGraphqlServer({ ...door.deps, log, db: { ...db, reads } }, options)
  served = await serveMount(graphql)
})
afterAll(async () => {
  await graphql.close()
  await served.close()
  await door.close()
})

const query = JSON.stringify({ query: '{ jobs(first: 1) { nodes { jobId } } }' })
const post = (headers: Record<string, string> = {}) =>
  fetch(`${served.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: query,
  })
const idOf = (response: Response): string => response.headers.get('x-request-id') ?? ''

test('every answer has the id of its request, which is in the log line of its fault', async () => {
  lines = []
  const fault = await post({ 'x-request-id': 'from-the-proxy' })
  expect(idOf(fault)).toBe('from-the-proxy')
  const { reference } = (await fault.json()).errors[0].extensions
  expect(lines).toMatchObject([{ requestId: 'from-the-proxy', reference, err: { message: 'the secret' } }])

  lines = []
  const early = await post({ authorization: 'broken' })
  expect(lines).toMatchObject([{ requestId: idOf(early), err: { message: 'the secret of the token' } }])

  for (const path of ['/healthz', '/nowhere', '/graphql?query={__typename}']) {
    expect(idOf(await fetch(`${served.url}${path}`))).toMatch(/^[\da-f]{32}$/)
  }
})

test('a refused request is logged with its id', async () => {
  lines = []
  const refused = await post({ 'sec-fetch-site': 'cross-site' })
  expect(refused.status).toBe(403)
  expect(lines).toMatchObject([{ msg: 'client refused', requestId: idOf(refused) }])
})

test('a WebSocket has the id of its upgrade, and its operations have ids below it', async () => {
  const socket = new WebSocket(served.url.replace('http', 'ws').concat('/graphql'), 'graphql-transport-ws', {
    headers: { 'x-request-id': 'socket-1' },
  })
  const [[answer]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'open')])
  expect(answer.headers['x-request-id']).toBe('socket-1')
  socket.send('{"type":"connection_init"}')
  await once(socket, 'message')
  lines = []
  socket.send(JSON.stringify({ id: 'op-1', type: 'subscribe', payload: JSON.parse(query) }))
  const [message] = await once(socket, 'message')
  const { payload } = JSON.parse(String(message))
  const { reference } = (payload.errors ?? payload)[0].extensions
  expect(lines).toMatchObject([{ requestId: 'socket-1/op-1', reference }])
  socket.terminate()
})

test('a refused upgrade has the id of its request, in the answer and in the log', async () => {
  lines = []
  const socket = new WebSocket(served.url.replace('http', 'ws').concat('/graphql'), 'graphql-transport-ws', {
    headers: { 'x-request-id': 'socket-2', origin: 'https://elsewhere.example' },
  })
  const [, answer] = await once(socket, 'unexpected-response')
  expect(answer.statusCode).toBe(403)
  expect(answer.headers['x-request-id']).toBe('socket-2')
  expect(lines).toMatchObject([{ cause: 'origin', requestId: 'socket-2' }])
})

test.each([
  ['of another version', 'Sec-WebSocket-Version: 7', /\r\nSec-WebSocket-Version: 13\r\n/, 'Sec-WebSocket-Version'],
  ['without a key', 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short', /^HTTP\/1.1 400 /, 'Sec-WebSocket-Key'],
])('a request for a WebSocket %s is refused, and logged with the reason', async (_what, headers, answer, reason) => {
  lines = []
  const client = connect(Number(new URL(served.url).port), '127.0.0.1')
  const key = headers.includes('Key') ? '' : 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const upgrade = 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Request-Id: malformed\r\n'
  client.write(`GET /graphql HTTP/1.1\r\n${upgrade}${key}${headers}\r\n\r\n`)
  expect(await text(client)).toMatch(answer)
  expect(lines).toMatchObject([
    { protocol: 'GraphQL', cause: 'protocol', requestId: 'malformed', reason: expect.stringContaining(reason) },
  ])
})
