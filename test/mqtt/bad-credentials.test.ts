import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { createArrivals } from '../../src/limits/arrivals.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { createTestClock } from '../support/clock.ts'
import {
  connectPacket,
  connectRaw,
  createQueue,
  givenDevice,
  openRaw,
  startDoor,
  type TestDoor,
  tokenOf,
} from './door.ts'

const doors: TestDoor[] = []
afterEach(async () => {
  for (const door of doors.splice(0)) await door.close()
})

const log = pino({ level: 'silent' })
const bad = { password: Buffer.from('bad') }

async function open() {
  const clock = createTestClock(new Date())
  const arrivals = createArrivals({ clock, log, limits: { ...defaultLimits, addressFailures: 1 } })
  const pauses = createQueue<string>()
  const pause: typeof arrivals.pause = (signal) => {
    pauses.add('begun')
    return arrivals.pause(signal)
  }
  const hub = await startDoor({ clock, arrivals: { ...arrivals, pause } })
  doors.push(hub)
  const connect = async (deviceId: string, changes = {}) => {
    const device = await openRaw(hub.port)
    device.write(connectPacket(deviceId, changes))
    return device
  }
  const returnCode = async (deviceId: string, changes = {}) => (await connect(deviceId, changes)).next()
  return { hub, clock, pauses, connect, returnCode, deviceId: await givenDevice(hub) }
}

test('above the limit, an address is refused late and unchecked, but a device that was admitted before is admitted', async () => {
  const { hub, clock, pauses, connect, returnCode, deviceId } = await open()
  // One token for both connections: another second would give another, which was not accepted before.
  const token = { password: Buffer.from(tokenOf(deviceId)) }
  const known = await connectRaw(hub.port, deviceId, token)
  known.end()
  for (let times = 0; times < 10; times++) {
    expect(await returnCode(deviceId, bad)).toMatchObject({ cmd: 'connack', returnCode: 5 })
  }
  const unknown = await connect(await givenDevice(hub))
  await pauses.next()
  const again = await connectRaw(hub.port, deviceId, token)
  again.end()
  // The longest wait of a refusal. The address may try again meanwhile.
  clock.advance(1_500)
  expect(await unknown.next()).toMatchObject({ cmd: 'connack', returnCode: 3 })
  const later = await connectRaw(hub.port, await givenDevice(hub))
  later.end()
})

test('a client that disconnects while its refusal waits is forgotten', async () => {
  const { hub, pauses, connect, returnCode, deviceId } = await open()
  for (let times = 0; times < 10; times++) await returnCode(deviceId, bad)
  const gone = await connect(deviceId, bad)
  await pauses.next()
  gone.socket.destroy()
  await hub.door.close()
  expect(hub.door.stats().connections).toBe(0)
})

test('bad tokens over HTTP and MQTT count together', async () => {
  const clock = createTestClock()
  const arrivals = createArrivals({ clock, log, limits: { ...defaultLimits, addressFailures: 1 } })
  const hub = await startDoor({ arrivals: { ...arrivals, pause: async () => {} } })
  doors.push(hub)
  for (let times = 0; times < 10; times++) arrivals.tried('127.0.0.1', 'bad', false)
  const device = await openRaw(hub.port)
  device.write(connectPacket(await givenDevice(hub)))
  expect(await device.next()).toMatchObject({ cmd: 'connack', returnCode: 3 })
})
