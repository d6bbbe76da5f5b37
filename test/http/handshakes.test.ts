import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createHttpServer, type HttpServer } from '../../src/http/server.ts'
import { createArrivals } from '../../src/limits/arrivals.ts'
import { handshakePatience } from '../../src/limits/handshakes.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { openAnywhere } from './serve.ts'

let pem: { cert: string; key: string }
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  pem = await loadOrMakeCertificate(folder, { hostNames: [], now: new Date() })
  await rm(folder, { recursive: true })
})

const servers: HttpServer[] = []
afterAll(() => Promise.all(servers.map((server) => server.close())))

let clock: TestClock
let ports: { http: number; https: number }
/** One address may have one connection whose client has not introduced itself. `127.0.0.2` is a proxy. */
beforeEach(async () => {
  clock = createTestClock()
  const deps = { clock, log: pino({ level: 'silent' }), limits: { ...defaultLimits, addressHandshakes: 1 } }
  const arrivals = createArrivals(deps, { isProxy: (address) => address === '127.0.0.2' })
  const server = createHttpServer(deps, { arrivals, whyNotReady: () => undefined, ...pem })
  servers.push(server)
  const address = await openAnywhere(server)
  ports = { http: Number(new URL(address.http).port), https: Number(new URL(address.https).port) }
})

async function open(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {})
  await once(socket, 'connect')
  return socket
}
/** Sends a request on the connection, and resolves with the status of the answer, or with its end. */
async function ask(socket: Socket): Promise<string> {
  if (socket.closed) return 'closed'
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const [chunk] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['closed'])])
  return String(chunk).split('\r\n', 1)[0] ?? ''
}

/** Lets time pass until the server has closed the connection. */
const isClosed = (socket: Socket): Promise<void> =>
  expect
    .poll(() => {
      clock.advance(handshakePatience)
      return socket.resume().closed
    })
    .toBe(true)

test('connections that send no request give way to others of their address, and those that sent one stay', async () => {
  const silent = await open(ports.http)
  const known = await open(ports.http)
  expect(await ask(known)).toBe('HTTP/1.1 200 OK')
  const next = await open(ports.http)
  await isClosed(silent)
  expect(await ask(known)).toBe('HTTP/1.1 200 OK')
  expect(await ask(next)).toBe('HTTP/1.1 200 OK')
  for (const socket of [known, next]) socket.destroy()
})

test('a TLS handshake that does not end gives way to others of its address, on whichever port', async () => {
  const silent = await open(ports.https)
  const known = connectTls({ port: ports.https, host: '127.0.0.1', rejectUnauthorized: false })
  expect(await ask(known)).toBe('HTTP/1.1 200 OK')
  const next = await open(ports.http)
  await isClosed(silent)
  expect([await ask(known), await ask(next)]).toEqual(Array(2).fill('HTTP/1.1 200 OK'))
  for (const socket of [known, next]) socket.destroy()
})

test('the connections that a trusted proxy holds open for its clients are not handshakes', async () => {
  const held = [await open(ports.http, '127.0.0.2'), await open(ports.http, '127.0.0.2')]
  const silent = await open(ports.http)
  const next = await open(ports.http)
  await isClosed(silent)
  for (const socket of held) expect(await ask(socket)).toBe('HTTP/1.1 200 OK')
  for (const socket of [...held, next]) socket.destroy()
})
