import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createGraphqlServer, type GraphqlServer } from '../../src/graphql/transport/server.ts'
import { createHttpServer, type HttpServer } from '../../src/http/server.ts'
import { mountWebHandler } from '../../src/http/web-handler.ts'
import { createAccessLog } from '../../src/log/access-log.ts'
import { createRestHandler } from '../../src/rest/router.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { hubName, openDoor, owner, type TestDoor } from '../graphql/door.ts'
import { openAnywhere } from './serve.ts'

let door: TestDoor
let graphql: GraphqlServer
let server: HttpServer
let url: string
let lines: Record<string, unknown>[] = []

beforeAll(async () => {
  door = await openDoor()
  // The access log does not depend on the level.
  const log = pino({ level: 'error' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const accessLog = createAccessLog(log)
  const deps = { ...door.deps, log }
  const names = { hostNames: [hubName] }
  graphql = createGraphqlServer(deps, { ...names, anonymous: owner, accessLog })
  const choices = { unknownJob: '404', cancelRunning: false, strictQuery: false } as const
  const rest = mountWebHandler(deps, ['/devices'], createRestHandler(deps, { ...names, choices }))
  const folder = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  const pem = await loadOrMakeCertificate(folder, { hostNames: [], now: new Date() })
  await rm(folder, { recursive: true })
  server = createHttpServer(deps, { mounts: { graphql, rest }, whyNotReady: () => undefined, accessLog, ...pem })
  url = (await openAnywhere(server)).http
})
beforeEach(() => {
  lines = []
})
afterAll(async () => {
  await server.close()
  await graphql.close()
  await door.close()
})

const logged = (count: number) => expect.poll(() => lines).toHaveLength(count)

test('an HTTP request is one line, with its operation and its client and without its query string', async () => {
  const headers = { 'content-type': 'application/json', 'x-request-id': 'r1' }
  const body = JSON.stringify({ query: 'query Nobody { device(deviceId: "nobody") { deviceId } }' })
  await (await fetch(`${url}/graphql?token=secret`, { method: 'POST', headers, body })).text()
  await logged(1)
  expect(lines).toMatchObject([
    {
      msg: 'request',
      level: 30,
      protocol: 'HTTP',
      requestId: 'r1',
      method: 'POST',
      path: '/graphql',
      status: 200,
      bytes: expect.any(Number),
      ms: expect.any(Number),
      address: '127.0.0.1',
      actor: owner.id,
      operation: 'query Nobody',
    },
  ])
  expect(JSON.stringify(lines)).not.toContain('secret')
  expect(lines[0]).not.toHaveProperty('complete')
})

test('a request of the REST API has its operation id and its policy', async () => {
  const authorization = await door.token('service')
  await (await fetch(`${url}/devices/d?api-version=2021-04-12`, { headers: { authorization } })).text()
  await (await fetch(`${url}/devices/d?api-version=2021-04-12`)).text()
  await logged(2)
  expect(lines[0]).toMatchObject({ path: '/devices/d', actor: 'policy:service', operation: expect.any(String) })
  expect(lines[1]).toMatchObject({ path: '/devices/d', status: 401 })
  expect(lines[1]).not.toHaveProperty('actor')
})

test('the bytes are those of each answer, also when requests come one behind the other', async () => {
  const client = connect(Number(new URL(url).port), '127.0.0.1')
  let received = 0
  client.on('data', (data) => {
    received += data.length
  })
  const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
  client.write(
    `${ask('/healthz')}${ask('/nowhere')}${ask('/healthz').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`,
  )
  await once(client, 'close')
  await logged(3)
  const bytes = lines.map((line) => Number(line.bytes))
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBe(received)
  expect(bytes[1]).toBeGreaterThan(bytes[0] ?? 0)
})

test('a WebSocket and each of its operations is a line, at their ends', async () => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: { 'x-request-id': 's' },
  })
  await once(socket, 'open')
  socket.send('{"type":"connection_init"}')
  await once(socket, 'message')
  const query = 'query Bad($first: Int) { jobs(first: $first) { totalCount } }'
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { first: -1 } } }))
  await logged(1)
  expect(lines).toMatchObject([
    { requestId: 's/1', protocol: 'WebSocket', operation: 'query Bad', errors: 1, actor: owner.id },
  ])
  socket.close()
  await logged(2)
  expect(lines[1]).toMatchObject({ requestId: 's', protocol: 'HTTP', method: 'GET', path: '/graphql', status: 101 })
})

test('a refused upgrade has the status of its answer', async () => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: { origin: 'https://elsewhere.example' },
  })
  await once(socket, 'unexpected-response')
  await expect.poll(() => lines.at(-1)).toMatchObject({ msg: 'request', status: 403 })
})
