import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createArrivals } from '../../../src/limits/arrivals.ts'
import { networkIn } from '../../../src/limits/client-address.ts'
import { handshakePatience } from '../../../src/limits/handshakes.ts'
import { defaultLimits, type Limits } from '../../../src/limits/limits.ts'
import { createMetrics } from '../../../src/metrics/metrics.ts'
import { serveMount } from '../../http/serve.ts'
import { createTestClock } from '../../support/clock.ts'
import { openDoor } from '../door.ts'
import { openPort } from './sockets.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function open(limits: Partial<Limits>) {
  const clock = createTestClock()
  const metrics = createMetrics()
  const all = { ...defaultLimits, ...limits }
  const arrivals = createArrivals({ clock, log: pino({ level: 'silent' }), limits: all }, { metrics })
  const door = await openDoor({ clock, limits: all, arrivals })
  ends.push(door.close)
  return { door, clock, metrics }
}

/** The status with which an upgrade is refused, and its text; or the open socket. */
async function upgrade(url: string, address: string): Promise<WebSocket | { status: number; message: string }> {
  const socket = new WebSocket(url, 'graphql-transport-ws', { headers: { 'x-forwarded-for': address } })
  socket.on('error', () => {})
  const refused = once(socket, 'unexpected-response').then(async ([_request, response]) => ({
    status: response.statusCode,
    message: await text(response),
  }))
  return Promise.race([once(socket, 'open').then(() => socket), refused])
}

test('one address has only so many WebSockets, behind a proxy too, and one that closes makes room', async () => {
  const { door, metrics } = await open({ addressSockets: 2 })
  const served = await serveMount(door.server, {}, [networkIn('127.0.0.1') ?? expect.fail()])
  ends.push(served.close)
  const url = `${served.url.replace('http', 'ws')}/graphql`
  const sockets = [await upgrade(url, '198.51.100.4'), await upgrade(url, '198.51.100.4')]
  expect(sockets).toEqual([expect.any(WebSocket), expect.any(WebSocket)])
  expect(await upgrade(url, '198.51.100.4')).toEqual({
    status: 503,
    message: 'This address has 2 GraphQL WebSockets, the maximum (LIMIT_ADDRESS_SOCKETS). Close one of them first.',
  })
  expect(await metrics.print()).toContain('twincast_connections_refused_total{reason="sockets"} 1\n')
  sockets.push(await upgrade(url, '198.51.100.5'))
  const [first] = sockets
  if (first instanceof WebSocket) first.terminate()
  await expect
    .poll(async () => {
      const next = await upgrade(url, '198.51.100.4')
      sockets.push(next)
      return next
    })
    .toEqual(expect.any(WebSocket))
  for (const socket of sockets) if (socket instanceof WebSocket) socket.terminate()
})

test('WebSockets that send no connection_init give way to others of their address, and accepted ones stay', async () => {
  const { door, clock, metrics } = await open({ addressHandshakes: 1 })
  const port = await openPort(door)
  ends.push(port.close)
  const silent = await port.socket()
  const known = await port.socket()
  known.send({ type: 'connection_init' })
  expect(await known.next()).toMatchObject({ type: 'connection_ack' })
  const next = await port.socket()
  clock.advance(handshakePatience)
  await expect.poll(() => silent.raw.readyState).toBe(WebSocket.CLOSED)
  const reason = 'Too many connections from this address wait for connection_init. Try again later.'
  expect(await silent.closed).toEqual({ code: 1013, reason })
  expect(await metrics.print()).toContain('twincast_connections_refused_total{reason="handshakes"} 1\n')
  next.send({ type: 'connection_init' })
  expect(await next.next()).toMatchObject({ type: 'connection_ack' })
  known.send({ type: 'ping' })
  expect(await known.next()).toMatchObject({ type: 'pong' })
})

test('ten tabs of a console reconnect at once, and ten more, with the default limits', async () => {
  const { door, metrics } = await open({})
  const port = await openPort(door)
  ends.push(port.close)
  const tabs = await Promise.all(Array.from({ length: 20 }, () => port.socket()))
  for (const tab of tabs) tab.send({ type: 'connection_init' })
  for (const tab of tabs) expect(await tab.next()).toMatchObject({ type: 'connection_ack' })
  expect(await metrics.print()).not.toMatch(/^twincast_connections_refused_total\{.* [1-9]\d*$/m)
})
