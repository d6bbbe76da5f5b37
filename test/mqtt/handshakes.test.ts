import { once } from 'node:events'
import mqttPacket from 'mqtt-packet'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createArrivals } from '../../src/limits/arrivals.ts'
import { handshakePatience } from '../../src/limits/handshakes.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { createTestClock } from '../support/clock.ts'
import { openWebServer } from '../support/web-server.ts'
import { connectPacket, connectRaw, givenDevice, openRaw, startDoor } from './door.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A hub with which one address may have one handshake that waits for its client. */
async function open() {
  const clock = createTestClock(new Date())
  const limits = { ...defaultLimits, addressHandshakes: 1 }
  const arrivals = createArrivals({ clock, log: pino({ level: 'silent' }), limits })
  const hub = await startDoor({ clock, arrivals })
  ends.push(hub.close)
  return { hub, clock }
}

test('connections without a CONNECT give way to others of their address, and connected devices stay', async () => {
  const { hub, clock } = await open()
  const silent = await openRaw(hub.port)
  const deviceId = await givenDevice(hub)
  const known = await connectRaw(hub.port, deviceId)
  const next = await openRaw(hub.port)
  // Connections are accepted in their order.
  const last = await connectRaw(hub.port, await givenDevice(hub))
  clock.advance(handshakePatience)
  await expect.poll(() => silent.socket.closed).toBe(true)
  known.write({ cmd: 'pingreq' })
  expect(await known.next()).toMatchObject({ cmd: 'pingresp' })
  next.write(connectPacket(await givenDevice(hub)))
  expect(await next.next()).toMatchObject({ cmd: 'connack', returnCode: 0 })
  for (const device of [known, next, last]) device.end()
})

test('WebSockets without a CONNECT give way to connections of their address', async () => {
  const { hub, clock } = await open()
  const web = await openWebServer(hub.door)
  ends.push(() => web.server.close())
  const connect = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${web.port}/$iothub/websocket`, 'mqtt')
    socket.on('error', () => {})
    await once(socket, 'open')
    return socket
  }
  const silent = await connect()
  const known = await connect()
  known.send(mqttPacket.generate(connectPacket(await givenDevice(hub))))
  await once(known, 'message')
  const next = await connect()
  clock.advance(handshakePatience)
  await expect.poll(() => silent.readyState).toBe(WebSocket.CLOSED)
  expect(known.readyState).toBe(WebSocket.OPEN)
  known.send(mqttPacket.generate({ cmd: 'pingreq' }))
  const [packet] = await once(known, 'message')
  expect(packet).toEqual(mqttPacket.generate({ cmd: 'pingresp' }))
  expect(next.readyState).toBe(WebSocket.OPEN)
  for (const socket of [known, next]) socket.terminate()
})
