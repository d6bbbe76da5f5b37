import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import mqtt from 'mqtt'
import mqttPacket from 'mqtt-packet'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { defaultLimits } from '../../src/limits/limits.ts'
import { methodsFilter } from '../../src/mqtt/topics.ts'
import { createWebSocketMount } from '../../src/mqtt/websocket.ts'
import { createTestClock } from '../support/clock.ts'
import { openWebServer } from '../support/web-server.ts'
import {
  connectPacket,
  createQueue,
  givenDevice,
  hubName,
  publishPacketOf,
  startDoor,
  type TestDoor,
  tokenOf,
} from './door.ts'

let hub: TestDoor
let server: Server
let port: number
beforeAll(async () => {
  hub = await startDoor()
  ;({ server, port } = await openWebServer(hub.door))
})
afterAll(async () => {
  await hub.close()
  server.close()
})

const url = () => `ws://127.0.0.1:${port}/$iothub/websocket`

/** A WebSocket that speaks MQTT only as far as it is told to. */
async function openSocket(deviceId: string, where = url()) {
  const socket = new WebSocket(where, 'mqtt')
  const packets = createQueue<unknown>()
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  parser.on('packet', packets.add)
  socket.on('message', (data: Buffer, isBinary) => {
    expect(isBinary).toBe(true)
    parser.parse(data)
  })
  socket.on('error', () => {})
  socket.once('close', () => packets.add('closed'))
  await once(socket, 'open')
  socket.send(mqttPacket.generate(connectPacket(deviceId)))
  expect(await packets.next()).toMatchObject({ cmd: 'connack', returnCode: 0 })
  return { socket, next: packets.next }
}

/** The status with which an upgrade is refused. */
const refusalOf = (protocols: string[], headers: Record<string, string> = {}): Promise<unknown> =>
  new Promise((resolve) => {
    const socket = new WebSocket(url(), protocols, { headers })
    socket.on('unexpected-response', (_request, response) => {
      response.destroy()
      resolve(response.statusCode)
    })
    socket.on('open', () => resolve('open'))
    socket.on('error', () => {})
  })

test('a client of the mqtt package comes in, is called and answers', async () => {
  const deviceId = await givenDevice(hub)
  const client = await mqtt.connectAsync(url(), {
    protocolVersion: 4,
    clientId: deviceId,
    username: `${hubName}/${deviceId}/?api-version=2021-04-12`,
    password: tokenOf(deviceId),
    reconnectPeriod: 0,
  })
  await client.subscribeAsync(methodsFilter)
  client.on('message', (topic) => {
    const rid = topic.split('$rid=')[1]
    client.publish(`$iothub/methods/res/200/?$rid=${rid}`, '{"long":true}')
  })
  await expect.poll(() => hub.deps.attached.reaches(deviceId)).toBe(true)
  hub.deps.attached.deliver({ deviceId, requestId: 'a.1', methodName: 'm', payload: `"${'x'.repeat(100_000)}"` })
  expect(await hub.nextAnswer()).toEqual({
    deviceId,
    requestId: 'a.1',
    response: { status: 200, payload: '{"long":true}' },
  })
  await client.endAsync()
  await expect.poll(() => hub.deps.attached.reaches(deviceId)).toBe(false)
})

test('packets may come in pieces and together', async () => {
  const device = await openSocket(await givenDevice(hub))
  const ping = mqttPacket.generate({ cmd: 'pingreq' })
  device.socket.send(Buffer.concat([ping, ping, ping.subarray(0, 1)]))
  device.socket.send(ping.subarray(1))
  for (let count = 0; count < 3; count++) expect(await device.next()).toMatchObject({ cmd: 'pingresp' })
  device.socket.terminate()
})

test('text closes the connection, and is not read', async () => {
  const deviceId = await givenDevice(hub)
  const telemetry = mqttPacket.generate(publishPacketOf(`devices/${deviceId}/messages/events/`, 'x'))
  const device = await openSocket(deviceId)
  device.socket.send(telemetry)
  await expect.poll(() => hub.door.stats().telemetry).toBe(1)
  device.socket.send(telemetry.toString('ascii'))
  expect(await device.next()).toBe('closed')
  expect(hub.door.stats().telemetry).toBe(1)
})

test('a packet over the limit closes the connection, and so does a message of more than two', async () => {
  const deviceId = await givenDevice(hub)
  const long = mqttPacket.generate(publishPacketOf(`devices/${deviceId}/messages/events/`, 'x'.repeat(256 * 1024)))
  const device = await openSocket(deviceId)
  device.socket.send(long)
  expect(await device.next()).toBe('closed')
  const other = await openSocket(deviceId)
  other.socket.send(Buffer.alloc(600 * 1024))
  expect(await other.next()).toBe('closed')
})

test('a message in very many frames closes the connection', async () => {
  const device = await openSocket(await givenDevice(hub))
  for (let frame = 0; frame <= 256; frame++) device.socket.send(Buffer.alloc(1), { fin: false })
  expect(await device.next()).toBe('closed')
})

test('a client that does not close its side too is cut off within seconds', async () => {
  const accepted = once(server, 'connection')
  const device = await openSocket(await givenDevice(hub))
  const [connection] = await accepted
  const cutOff = once(connection, 'close')
  device.socket.send(Buffer.alloc(600 * 1024))
  device.socket.pause()
  await cutOff
  expect(connection.destroyed).toBe(true)
  device.socket.terminate()
})

test.each([
  ['without the protocol mqtt', 400, [], {}],
  ['with another protocol', 400, ['graphql-transport-ws'], {}],
  ['of a page of another site', 403, ['mqtt'], { origin: 'https://elsewhere.example.test' }],
  ['of a page of nowhere', 403, ['mqtt'], { origin: 'null' }],
])('a WebSocket %s is refused with %i', async (_, status, protocols, headers) => {
  expect(await refusalOf(protocols, headers)).toBe(status)
})

test('pages of the hub itself may come in, and who wants no WebSocket is told that this is one', async () => {
  expect(await refusalOf(['mqtt', 'mqttv3.1'], { origin: `http://127.0.0.1:${port}` })).toBe('open')
  // As device clients at the usual port, and proxies that name it, do.
  expect(await refusalOf(['mqtt'], { host: 'hub.example:443', origin: 'https://hub.example:443' })).toBe('open')
  expect(await refusalOf(['mqtt'], { host: 'hub.example', origin: 'https://hub.example:443' })).toBe('open')
  expect((await fetch(url().replace('ws:', 'http:'))).status).toBe(426)
})

test('the protocol may be spelt as clients in C do, and is answered so', async () => {
  const socket = new WebSocket(url(), ['AMQPWSB10', 'MQTT'])
  await once(socket, 'open')
  expect(socket.protocol).toBe('MQTT')
  socket.terminate()
})

test('a refused upgrade is logged with the reason and the address, once for many', async () => {
  const lines: string[] = []
  const clock = createTestClock()
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(line) })
  const { mount } = createWebSocketMount({ clock, log, limits: defaultLimits }, () => {})
  const other = createServer().on('upgrade', mount.upgrade).listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  const where = `ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`
  for (let count = 0; count < 3; count++) {
    const socket = new WebSocket(where, 'mqtt', { origin: 'https://elsewhere.example' })
    await once(socket, 'error')
  }
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { protocol: 'MQTT', reason: expect.stringContaining('https://elsewhere.example'), address: '127.0.0.1' },
  ])
  clock.advance(60_000)
  await new Promise((resolve) => setImmediate(resolve))
  expect(JSON.parse(lines[1] ?? '{}')).toMatchObject({ msg: 'client refused', times: 2 })
  other.close()
})

test('of a stranger little more than a CONNECT is read, also in a message that does not end', async () => {
  const connected = once(server, 'connection')
  const socket = new WebSocket(url(), 'mqtt')
  const [connection] = await connected
  await once(socket, 'open')
  // The head of a frame that promises 512 KB.
  const head = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 8, 0, 0, 1, 2, 3, 4])
  Reflect.get(socket, '_socket').write(Buffer.concat([head, Buffer.alloc(500_000)]))
  await expect.poll(() => connection.bytesRead).toBeGreaterThan(16 * 1024)
  // What another says meanwhile has been read long before the rest would have been.
  await (await openSocket(await givenDevice(hub))).socket.close()
  expect(connection.bytesRead).toBeLessThan(16 * 1024 + 3 * 65_536)
  socket.terminate()
})

test('what a device sends behind its CONNECT in one message is read when it is let in', async () => {
  const deviceId = await givenDevice(hub)
  const socket = new WebSocket(url(), 'mqtt')
  await once(socket, 'open')
  const packets = createQueue<unknown>()
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  parser.on('packet', packets.add)
  socket.on('message', (data: Buffer) => parser.parse(data))
  const topic = `devices/${deviceId}/messages/events/`
  const telemetry = (messageId: number) =>
    mqttPacket.generate({
      cmd: 'publish',
      topic,
      payload: 'x'.repeat(20_000),
      qos: 1,
      messageId,
      dup: false,
      retain: false,
    })
  socket.send(Buffer.concat([mqttPacket.generate(connectPacket(deviceId)), telemetry(1), telemetry(2)]))
  socket.send(telemetry(3))
  const got = [await packets.next(), await packets.next(), await packets.next(), await packets.next()]
  expect(got).toMatchObject([
    { cmd: 'connack', returnCode: 0 },
    { cmd: 'puback', messageId: 1 },
    { cmd: 'puback', messageId: 2 },
    { cmd: 'puback', messageId: 3 },
  ])
  socket.terminate()
})

test.each([
  ['pings', (socket: WebSocket) => socket.ping()],
  ['empty messages', (socket: WebSocket) => socket.send(Buffer.alloc(0))],
])('a device over its frames a second, were they %s, is read from later', async (_, sendOne) => {
  const clock = createTestClock(new Date())
  const slow = await startDoor({ clock, limits: { webSocketFrames: 10 } })
  const other = createServer().on('upgrade', slow.door.webSocket.upgrade).listen(0, '127.0.0.1')
  await once(other, 'listening')
  const connected = once(other, 'connection')
  const address = other.address()
  const where = `ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/$iothub/websocket`
  const device = await openSocket(await givenDevice(slow), where)
  const [connection] = await connected
  for (let count = 0; count < 40; count++) sendOne(device.socket)
  device.socket.send(mqttPacket.generate({ cmd: 'pingreq' }))
  await expect.poll(() => connection.isPaused()).toBe(true)
  clock.advance(10_000)
  expect(await device.next()).toMatchObject({ cmd: 'pingresp' })
  device.socket.terminate()
  other.close()
  await slow.close()
})
