import { afterEach, expect, test } from 'vitest'
import type { Throttling } from '../../src/throttle/presets.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { connectPacket, connectRaw, givenDevice, openRaw, publishPacketOf, startDoor, type TestDoor } from './door.ts'

const once = { amount: 1, seconds: 60 }
const doors: TestDoor[] = []
afterEach(async () => {
  for (const door of doors.splice(0)) await door.close()
})

async function open(throttling: Partial<Throttling>): Promise<{ hub: TestDoor; clock: TestClock; deviceId: string }> {
  const clock = createTestClock(new Date())
  const hub = await startDoor({ clock, throttling })
  doors.push(hub)
  return { hub, clock, deviceId: await givenDevice(hub) }
}

test('a connection over the limit is refused with 3, and let in when there is room again', async () => {
  const { hub, clock, deviceId } = await open({ connections: once })
  const first = await connectRaw(hub.port, deviceId)
  const late = await openRaw(hub.port)
  late.write(connectPacket(await givenDevice(hub)))
  expect(await late.next()).toMatchObject({ cmd: 'connack', returnCode: 3 })
  expect(await late.next()).toBe('closed')
  clock.advance(60_000)
  const again = await connectRaw(hub.port, deviceId)
  for (const device of [first, again]) device.end()
})

test('connections with a bad token use up nothing of what the devices may', async () => {
  const { hub, deviceId } = await open({ connections: once })
  for (let times = 0; times < 3; times++) {
    const stranger = await openRaw(hub.port)
    stranger.write(connectPacket(deviceId, { password: Buffer.from('bad') }))
    expect(await stranger.next()).toMatchObject({ cmd: 'connack', returnCode: 5 })
  }
  const device = await connectRaw(hub.port, deviceId)
  device.end()
})

test('twin requests over the limit are answered with 429, each kind by its own', async () => {
  const { hub, clock, deviceId } = await open({ twinReads: once, twinUpdates: once })
  const device = await connectRaw(hub.port, deviceId)
  const ask = async (what: string, rid: string, payload = '') => {
    device.write(publishPacketOf(`$iothub/twin/${what}/?$rid=${rid}`, payload))
    const answer = await device.nextPublish()
    return [answer.topic, answer.payload && JSON.parse(answer.payload).errorCode]
  }
  expect(await ask('GET', '1')).toEqual(['$iothub/twin/res/200/?$rid=1', undefined])
  expect(await ask('GET', '2')).toEqual(['$iothub/twin/res/429/?$rid=2', 429001])
  expect(await ask('PATCH/properties/reported', '3', '{"a":1}')).toEqual([
    '$iothub/twin/res/204/?$rid=3&$version=2',
    '',
  ])
  expect(await ask('PATCH/properties/reported', '4', '{"a":2}')).toEqual(['$iothub/twin/res/429/?$rid=4', 429001])
  clock.advance(60_000)
  expect(await ask('GET', '5')).toEqual(['$iothub/twin/res/200/?$rid=5', undefined])
  device.end()
})

test('telemetry over the limit is not lost: the device is acknowledged and read from later', async () => {
  const { hub, clock, deviceId } = await open({ telemetry: { amount: 1, seconds: 1 } })
  const device = await connectRaw(hub.port, deviceId)
  const topic = `devices/${deviceId}/messages/events/`
  for (const messageId of [1, 2]) device.write(publishPacketOf(topic, 'x', { qos: 1, messageId }))
  expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 1 })
  device.write(publishPacketOf(topic, 'x', { qos: 1, messageId: 3 }))
  const received = device.socket.bytesRead
  const other = await connectRaw(hub.port, await givenDevice(hub)) // nobody else waits
  expect(device.socket.bytesRead).toBe(received)
  clock.advance(1_000)
  expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 2 })
  await clock.asleep(1_000, 1_000)
  clock.advance(1_000)
  expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 3 })
  expect(hub.door.stats().telemetry).toBe(3)
  for (const end of [device, other]) end.end()
})
