import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import type { Limits } from '../../src/limits/limits.ts'
import { methodsFilter } from '../../src/mqtt/topics.ts'
import type { Throttling } from '../../src/throttle/presets.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import {
  connectPacket,
  connectRaw,
  givenDevice,
  openRaw,
  publishPacketOf,
  type RawDevice,
  startDoor,
  type TestDoor,
} from './door.ts'

const doors: TestDoor[] = []
afterEach(async () => {
  for (const door of doors.splice(0)) await door.close()
})

async function open(limits: Partial<Limits>, throttling: Partial<Throttling> = {}) {
  const clock = createTestClock(new Date())
  const hub = await startDoor({ clock, limits, throttling })
  doors.push(hub)
  return { hub, clock, deviceId: await givenDevice(hub) }
}

const ping = { cmd: 'pingreq' } as const

/** Resolves when another device has come and gone meanwhile: whatever was to be read has been read by then. */
async function meanwhile(hub: TestDoor): Promise<void> {
  const other = await connectRaw(hub.port, await givenDevice(hub))
  other.write(ping)
  expect(await other.next()).toMatchObject({ cmd: 'pingresp' })
  other.end()
}

/** What the device sends now is not read yet. */
async function expectHeld(hub: TestDoor, device: RawDevice): Promise<void> {
  device.write(ping)
  const received = device.socket.bytesRead
  await meanwhile(hub)
  expect(device.socket.bytesRead).toBe(received)
}

async function pongs(device: RawDevice, count: number): Promise<void> {
  for (let i = 0; i < count; i++) expect(await device.next()).toMatchObject({ cmd: 'pingresp' })
}

/** Lets the device's next lot be read, which waits for at most `ms`. The writer of presence sleeps for less than half of it. */
async function nextLot(clock: TestClock, ms: number): Promise<void> {
  await clock.asleep(ms / 2, ms)
  clock.advance(ms)
}

test('a device over its packets a second is read from later, and everything it sent is handled', async () => {
  const { hub, clock, deviceId } = await open({ mqttPackets: 10 })
  const device = await connectRaw(hub.port, deviceId)
  device.socket.cork()
  for (let i = 0; i < 23; i++) device.write(ping)
  device.socket.uncork()
  await pongs(device, 20)
  const received = device.socket.bytesRead
  await meanwhile(hub)
  expect(device.socket.bytesRead).toBe(received)
  for (let i = 0; i < 3; i++) {
    await nextLot(clock, 100)
    await pongs(device, 1)
  }
  clock.advance(2_000)
  device.write(ping)
  await pongs(device, 1)
  device.end()
})

test('a device over its bytes a second is read from later', async () => {
  const { hub, clock, deviceId } = await open({ mqttBytes: 10_000 })
  const device = await connectRaw(hub.port, deviceId)
  const topic = `devices/${deviceId}/messages/events/`
  device.write(publishPacketOf(topic, 'x'.repeat(25_000), { qos: 1, messageId: 1 }))
  expect(await device.next()).toMatchObject({ cmd: 'puback' })
  await expectHeld(hub, device)
  await nextLot(clock, 1_000)
  await pongs(device, 1)
  device.end()
})

test('filters and twin requests count twenty', async () => {
  const { hub, clock, deviceId } = await open({ mqttPackets: 20 })
  const device = await connectRaw(hub.port, deviceId)
  device.write({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: methodsFilter, qos: 0 }] })
  expect(await device.next()).toMatchObject({ cmd: 'suback' })
  device.write(publishPacketOf('$iothub/twin/GET/?$rid=1'))
  expect((await device.nextPublish()).topic).toContain('res/200')
  device.write(ping)
  await meanwhile(hub)
  await nextLot(clock, 200)
  await pongs(device, 1)
  device.end()
})

test('a twin counts by its bytes, and so does a patch', async () => {
  const { hub, clock, deviceId } = await open({ mqttPackets: 40 })
  const device = await connectRaw(hub.port, deviceId)
  const patch = JSON.stringify({ text: 'x'.repeat(3_000) })
  device.write(publishPacketOf('$iothub/twin/PATCH/properties/reported/?$rid=1', patch))
  expect((await device.nextPublish()).topic).toContain('res/204')
  device.write(publishPacketOf('$iothub/twin/GET/?$rid=2'))
  expect((await device.nextPublish()).topic).toContain('res/200')
  await expectHeld(hub, device)
  await nextLot(clock, 400)
  await pongs(device, 1)
  device.end()
})

test('a device that comes back has what it had left', async () => {
  const { hub, clock, deviceId } = await open({ mqttPackets: 10 })
  const device = await connectRaw(hub.port, deviceId)
  for (let i = 0; i < 20; i++) device.write(ping)
  await pongs(device, 20)
  device.end()
  const again = await connectRaw(hub.port, deviceId)
  again.write(ping)
  const received = again.socket.bytesRead
  await meanwhile(hub)
  expect(again.socket.bytesRead).toBe(received)
  await nextLot(clock, 100)
  await pongs(again, 1)
  again.end()
})

test('a device that connects too often is let in later, by the newest of its connections', async () => {
  const { hub, clock, deviceId } = await open({ mqttConnects: 1 })
  for (let i = 0; i < 4; i++) (await connectRaw(hub.port, deviceId)).end()
  const [older, newer] = [await openRaw(hub.port), await openRaw(hub.port)]
  older.write(connectPacket(deviceId))
  await clock.asleep(1_000, 1_000)
  newer.write(connectPacket(deviceId))
  expect(await older.next()).toBe('closed')
  // Nobody else waits for it.
  await meanwhile(hub)
  expect(newer.socket.bytesRead).toBe(0)
  await nextLot(clock, 2_000)
  expect(await newer.next()).toMatchObject({ cmd: 'connack', returnCode: 0 })
  newer.end()
})

test('of what a device sends at once a few packets are handled in a turn of the event loop', async () => {
  const { hub, deviceId } = await open({})
  const device = await connectRaw(hub.port, deviceId)
  const one = publishPacketOf(`devices/${deviceId}/messages/events/`, 'x')
  device.socket.cork()
  for (let i = 0; i < 1_000; i++) device.write(one)
  device.socket.uncork()
  let seen = 0
  let most = 0
  while (seen < 1_000) {
    await new Promise((resolve) => setImmediate(resolve))
    most = Math.max(most, hub.door.stats().telemetry - seen)
    seen = hub.door.stats().telemetry
  }
  // A turn as it is counted here may see the end of one lot and the beginning of another.
  expect(most).toBeLessThanOrEqual(128)
  device.end()
})

test('twenty properties of a message that somebody hears count as one more packet', async () => {
  const { hub, clock, deviceId } = await open({ mqttPackets: 10 })
  const device = await connectRaw(hub.port, deviceId)
  const bag = Array.from({ length: 200 }, (_, index) => index).join('&')
  const publish = (messageId: number) =>
    device.write(publishPacketOf(`devices/${deviceId}/messages/events/${bag}`, 'x', { qos: 1, messageId }))
  for (const messageId of [1, 2, 3]) {
    publish(messageId)
    expect(await device.next()).toMatchObject({ cmd: 'puback', messageId })
  }
  const stop = hub.deps.events.listen('telemetry', deviceId)(() => {})
  publish(4)
  expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 4 })
  publish(5)
  expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 5 })
  const received = device.socket.bytesRead
  device.write(ping)
  await meanwhile(hub)
  expect(device.socket.bytesRead).toBe(received)
  await nextLot(clock, 1_000)
  await pongs(device, 1)
  stop()
  device.end()
})

test('what a device sends before it closes is handled, however late', async () => {
  const { hub, clock, deviceId } = await open({ mqttPackets: 10 })
  const device = await connectRaw(hub.port, deviceId)
  const topic = `devices/${deviceId}/messages/events/`
  for (let i = 0; i < 30; i++) device.write(publishPacketOf(topic, 'x'))
  device.write({ cmd: 'disconnect' })
  device.socket.end()
  await expect.poll(() => hub.door.stats().telemetry).toBe(20)
  while (hub.door.stats().telemetry < 30) {
    await nextLot(clock, 100)
    await meanwhile(hub)
  }
})

test('before a device is let in nothing but its CONNECT is read, and then the rest', async () => {
  const { hub, deviceId } = await open({})
  const device = await openRaw(hub.port)
  device.socket.cork()
  device.write(connectPacket(deviceId))
  for (let i = 0; i < 100; i++) device.write(ping)
  device.socket.uncork()
  expect(await device.next()).toMatchObject({ cmd: 'connack', returnCode: 0 })
  await pongs(device, 100)
  device.end()
})

test('before CONNECT a packet of more than 16 KB is not gathered, by TLS as little as without', async () => {
  const { hub } = await open({})
  const sockets = [
    connectTcp({ host: '127.0.0.1', port: hub.port }),
    connectTls({ host: '127.0.0.1', port: hub.tlsPort, ca: hub.ca, servername: 'localhost' }),
  ]
  for (const socket of sockets) {
    socket.on('error', () => {})
    // A byte more than 16 KB is announced; what could be gathered of it is not even sent.
    socket.write(Uint8Array.of(0x10, 0x81, 0x80, 0x01))
    await expect.poll(() => socket.destroyed).toBe(true)
  }
  const largest = connectTcp({ host: '127.0.0.1', port: hub.port })
  largest.write(Uint8Array.of(0x10, 0x80, 0x80, 0x01))
  await once(largest, 'connect')
  await meanwhile(hub)
  expect(largest.destroyed).toBe(false)
  largest.destroy()
})

test('telemetry over the limit holds its device up though it comes in a segment each', async () => {
  const { hub, clock, deviceId } = await open({}, { telemetry: { amount: 1, seconds: 1 } })
  const device = await connectRaw(hub.port, deviceId)
  const topic = `devices/${deviceId}/messages/events/`
  for (let i = 0; i < 20; i++) {
    device.write(publishPacketOf(topic, 'x'))
    await meanwhile(hub)
  }
  expect(hub.door.stats().telemetry).toBe(2)
  clock.advance(1_000)
  device.end()
})
