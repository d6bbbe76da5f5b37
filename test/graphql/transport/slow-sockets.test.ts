import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { givenDevices } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { type BareSocket, type OpenPort, openPort, until } from './sockets.ts'

// What waits for one WebSocket that nobody reads: 100 subscriptions to twins of half a megabyte.

const socketBytes = 1024 * 1024
const twinBytes = 500_000
let door: TestDoor
let port: OpenPort
let ids: readonly string[]
beforeAll(async () => {
  door = await openDoor({ limits: { socketBytes } })
  ids = await givenDevices(door.deps, 'pump', 100)
  await door.deps.database.pool.query(`update twin set reported = jsonb_build_object('text', repeat('t', $1))`, [
    twinBytes,
  ])
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
})

const twin = 'version properties { reported { value } }'
const connect = async (): Promise<BareSocket> => {
  const socket = await port.socket()
  socket.send({ type: 'connection_init' })
  await socket.next()
  return socket
}
const waiting = (): number => port.connections.at(-1)?.writableLength ?? 0
/** Every message on its way here is among them: four are read at a time. */
const most = socketBytes + 5 * (twinBytes + 1000)

/** What a message may hold, nearly. */
const text = 'x'.repeat(250_000)
const bad = { query: '{' }

/** Until nothing more comes to wait, and one that asks by another connection is served. */
async function settled(): Promise<void> {
  let before = -1
  while (before !== waiting()) {
    before = waiting()
    for (let turn = 0; turn < 20; turn++) await door.ask('{ devices(first: 1) { nodes { deviceId } } }')
  }
}

test('100 subscriptions on a WebSocket that is not read wait together in bounded memory, and each gets its last state', async () => {
  const socket = await connect()
  socket.raw.pause()
  for (const deviceId of ids) {
    const query = `subscription { twinUpdated(deviceId: "${deviceId}") { ${twin} } }`
    socket.send({ id: deviceId, type: 'subscribe', payload: { query } })
  }
  await until(() => door.server.openStreams() === 100)
  for (let turn = 0; turn < 3; turn++) {
    await door.deps.database.pool.query('update twin set version = version + 1')
    for (const deviceId of ids) door.deps.events.publish('twin', deviceId, { deviceId })
    await settled()
    expect(waiting()).toBeLessThan(most)
  }
  socket.raw.resume()
  const shown = new Map<unknown, number>()
  while (shown.size < ids.length || [...shown.values()].some((version) => version < 4)) {
    const { id, payload } = await socket.next()
    shown.set(id, Object(payload).data.twinUpdated.version)
  }
})

test('100 queries on a WebSocket that is not read wait together in bounded memory, and each is answered', async () => {
  const socket = await connect()
  socket.raw.pause()
  for (const deviceId of ids) {
    const query = `{ device(deviceId: "${deviceId}") { deviceId twin { ${twin} } } }`
    socket.send({ id: deviceId, type: 'subscribe', payload: { query } })
  }
  await until(() => waiting() > 0)
  await settled()
  expect(waiting()).toBeLessThan(most)
  socket.raw.resume()
  const answered = new Set<unknown>()
  while (answered.size < ids.length) {
    const { type, payload } = await socket.next()
    if (type === 'next') answered.add(Object(payload).data.device.deviceId)
  }
  expect([...answered].sort()).toEqual([...ids].sort())
})

test('a WebSocket that is closed while much waits for it leaves nothing behind', async () => {
  const socket = await connect()
  socket.raw.pause()
  for (const deviceId of ids) {
    const query = `subscription { twinUpdated(deviceId: "${deviceId}") { ${twin} } }`
    socket.send({ id: deviceId, type: 'subscribe', payload: { query } })
  }
  await until(() => waiting() > 0)
  socket.raw.terminate()
  await expect.poll(() => door.server.openStreams()).toBe(0)
})

test.each([
  ['pings', (index: number) => ({ type: 'ping', payload: { index, text } })],
  ['operations that are refused', (index: number) => ({ id: `${index} ${text}`, type: 'subscribe', payload: bad })],
])(
  'answers to %s wait in bounded memory for a client that does not read them, and all come when it does',
  async (_, of) => {
    const socket = await connect()
    socket.raw.pause()
    const count = 150
    for (let index = 0; index < count; index++) socket.send(of(index))
    await until(() => waiting() > 0)
    await settled()
    expect(waiting()).toBeLessThan(socketBytes + 2 * text.length)
    socket.raw.resume()
    for (let index = 0; index < count; index++) {
      const { type, id, payload } = await socket.next()
      expect([type, Object(payload).index ?? Number.parseInt(String(id), 10)]).toEqual([expect.anything(), index])
    }
  },
)
