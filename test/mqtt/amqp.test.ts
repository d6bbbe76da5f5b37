import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { openWebServer } from '../support/web-server.ts'
import { createQueue, startDoor, type TestDoor } from './door.ts'

const lines = createQueue<string>()
let hub: TestDoor
let server: Server
let port: number
beforeAll(async () => {
  hub = await startDoor({ log: pino({ level: 'info', base: null }, { write: lines.add }) })
  ;({ server, port } = await openWebServer(hub.door))
})
afterAll(async () => {
  await hub.close()
  server.close()
})

const header = (protocol: number): Buffer => Buffer.from([0x41, 0x4d, 0x51, 0x50, protocol, 1, 0, 0])
/** SASL ANONYMOUS. */
const saslInit = Buffer.from([
  0,
  0,
  0,
  26,
  2,
  1,
  0,
  0,
  0,
  0x53,
  0x41,
  0xc0,
  12,
  1,
  0xa3,
  9,
  ...Buffer.from('ANONYMOUS'),
  0,
])

/** Everything that comes until the hub closes. */
async function heard(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  return Buffer.concat(chunks)
}

test('a client that speaks AMQP is told so in its own words, and the log says it', async () => {
  const socket = connect(hub.port, '127.0.0.1')
  socket.write(header(0))
  const answer = await heard(socket)
  expect(answer.subarray(0, 8)).toEqual(header(0))
  expect(answer.readUInt32BE(8)).toBeGreaterThan(8)
  expect(answer.toString('latin1')).toContain('amqp:not-implemented')
  expect(JSON.parse(await lines.next())).toMatchObject({
    reason: expect.stringContaining('AMQP'),
    address: '127.0.0.1',
  })
})

test('a client that begins with SASL is told after that, however its bytes are cut', async () => {
  const socket = connect(hub.port, '127.0.0.1')
  const all = heard(socket)
  socket.write(header(3))
  for (const byte of Buffer.concat([saslInit, header(0)])) {
    await new Promise((sent) => socket.write(Buffer.of(byte), sent))
  }
  const answer = (await all).toString('latin1')
  expect(answer.startsWith(header(3).toString('latin1'))).toBe(true)
  expect(answer).toContain('ANONYMOUS')
  expect(answer.indexOf('amqp:not-implemented')).toBeGreaterThan(answer.indexOf(header(0).toString('latin1')))
})

test('a frame that is too long closes the connection', async () => {
  const socket = connect(hub.port, '127.0.0.1')
  socket.on('error', () => {})
  const all = heard(socket)
  socket.write(Buffer.concat([header(3), Buffer.from([0x7f, 0xff, 0xff, 0xff])]))
  socket.write(Buffer.alloc(32 * 1024))
  expect((await all).toString('latin1')).not.toContain('amqp:not-implemented')
})

test.each(['/$iothub/websocket', '/$servicebus/websocket'])(
  'AMQP over WebSocket at %s is told the same',
  async (path) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, 'AMQPWSB10')
    const chunks: Buffer[] = []
    socket.on('message', (chunk: Buffer) => chunks.push(chunk))
    await once(socket, 'open')
    expect(socket.protocol).toBe('AMQPWSB10')
    socket.send(header(0))
    await once(socket, 'close')
    expect(Buffer.concat(chunks).toString('latin1')).toContain('amqp:not-implemented')
  },
)

test('MQTT is not spoken where services look for AMQP', async () => {
  const path = '/$servicebus/websocket'
  expect(hub.door.webSocket.claims(`${path}?x`)).toBe(true)
  expect(hub.door.webSocket.claims('/$servicebus')).toBe(false)
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, 'mqtt')
  socket.on('error', () => {})
  const [, response] = await once(socket, 'unexpected-response')
  expect(response.statusCode).toBe(400)
  response.destroy()
})
