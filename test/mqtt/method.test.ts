import { afterAll, beforeAll, expect, test } from 'vitest'
import { methodsFilter } from '../../src/mqtt/topics.ts'
import {
  connectRaw,
  givenDevice,
  publishPacketOf,
  type RawDevice,
  startDoor,
  subscribeRaw,
  type TestDoor,
} from './door.ts'

let hub: TestDoor
beforeAll(async () => {
  hub = await startDoor()
})
afterAll(() => hub.close())

const deliver = (deviceId: string, requestId: string, payload = 'null'): boolean =>
  hub.deps.attached.deliver({ deviceId, requestId, methodName: 'reboot', payload })

/** Resolves when everything written before has been handled; a publication that came in between fails the test. */
async function ping(device: RawDevice): Promise<void> {
  device.write({ cmd: 'pingreq' })
  expect(await device.next()).toMatchObject({ cmd: 'pingresp' })
}

async function subscribedDevice(): Promise<[string, RawDevice]> {
  const deviceId = await givenDevice(hub)
  const device = await connectRaw(hub.port, deviceId)
  expect(await subscribeRaw(device, methodsFilter)).toEqual([0])
  return [deviceId, device]
}

test('a request reaches the device as it is, and the answer comes back as the text that the device sent', async () => {
  const [deviceId, device] = await subscribedDevice()
  expect(deliver(deviceId, 'r.1', '{"in": 5}')).toBe(true)
  expect(await device.nextPublish()).toEqual({ topic: '$iothub/methods/POST/reboot/?$rid=r.1', payload: '{"in": 5}' })
  device.write(publishPacketOf('$iothub/methods/res/204/?$rid=r.1', '{ "b": 1, "a": 1.0 }'))
  expect(await hub.nextAnswer()).toEqual({
    deviceId,
    requestId: 'r.1',
    response: { status: 204, payload: '{ "b": 1, "a": 1.0 }' },
  })
  device.end()
})

test('a request reaches no other device, though all subscribe to the same filter', async () => {
  const [deviceId, device] = await subscribedDevice()
  const [, other] = await subscribedDevice()
  expect(deliver(deviceId, 'r1')).toBe(true)
  expect((await device.nextPublish()).topic).toContain('$rid=r1')
  device.write(publishPacketOf('$iothub/methods/res/200/?$rid=r1', '1', { retain: true }))
  expect(await hub.nextAnswer()).toMatchObject({ deviceId, requestId: 'r1' })
  await ping(other)
  device.end()
  other.end()
})

test('a device can be called while it is subscribed, and neither before nor after', async () => {
  const deviceId = await givenDevice(hub)
  const device = await connectRaw(hub.port, deviceId)
  expect(deliver(deviceId, 'r1')).toBe(false)
  await subscribeRaw(device, methodsFilter)
  expect(hub.deps.attached.reaches(deviceId)).toBe(true)
  device.write({ cmd: 'unsubscribe', messageId: 8, unsubscriptions: [methodsFilter] })
  expect(await device.next()).toMatchObject({ cmd: 'unsuback', messageId: 8 })
  await ping(device)
  expect(deliver(deviceId, 'r2')).toBe(false)
  await subscribeRaw(device, methodsFilter)
  device.write({ cmd: 'disconnect' })
  expect(await device.next()).toBe('closed')
  await expect.poll(() => hub.deps.attached.reaches(deviceId)).toBe(false)
})

test('the newest connection of a device gets its requests, and the older one is closed', async () => {
  const [deviceId, older] = await subscribedDevice()
  const newer = await connectRaw(hub.port, deviceId)
  expect(await older.next()).toBe('closed')
  await subscribeRaw(newer, methodsFilter)
  expect(deliver(deviceId, 'r1')).toBe(true)
  expect((await newer.nextPublish()).topic).toContain('$rid=r1')
  newer.end()
})

test('an answer at QoS 1 is acknowledged and taken once', async () => {
  const [deviceId, device] = await subscribedDevice()
  device.write(publishPacketOf('$iothub/methods/res/200/?$rid=q1', '1', { qos: 1, messageId: 9 }))
  expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 9 })
  device.write(publishPacketOf('$iothub/methods/res/200/?$rid=q2', '2'))
  expect(await hub.nextAnswer()).toMatchObject({ deviceId, requestId: 'q1' })
  expect(await hub.nextAnswer()).toMatchObject({ deviceId, requestId: 'q2' })
  await ping(device)
  device.end()
})

test.each([
  ['an empty answer counts as null', '', { status: 200, payload: 'null' }],
  ['an answer that is not JSON is told as such', 'oops', { problem: expect.stringContaining('not JSON') }],
  [
    'an answer that is not UTF-8 is told as such',
    Buffer.of(0x22, 0xff, 0x22),
    { problem: expect.stringContaining('not UTF-8') },
  ],
  [
    'an answer that is nested too deep is told as such',
    '['.repeat(5_000) + ']'.repeat(5_000),
    { problem: expect.stringContaining('more than 64 levels deep') },
  ],
  ['an answer over 128 KB is told as such', `"${'x'.repeat(131_072)}"`, { problem: expect.stringContaining('128 KB') }],
])('%s', async (_, payload, response) => {
  const [deviceId, device] = await subscribedDevice()
  device.write(publishPacketOf('$iothub/methods/res/200/?$rid=r1', payload))
  expect(await hub.nextAnswer()).toEqual({ deviceId, requestId: 'r1', response })
  await ping(device)
  device.end()
})

test('many answers in one piece are all taken, in order', async () => {
  const [, device] = await subscribedDevice()
  device.socket.cork()
  for (let i = 0; i < 500; i++) device.write(publishPacketOf(`$iothub/methods/res/200/?$rid=m${i}`, `${i}`))
  device.socket.uncork()
  for (let i = 0; i < 500; i++) expect((await hub.nextAnswer()).requestId).toBe(`m${i}`)
  device.end()
})

test('a device that is slow to read gets everything, once and in order', async () => {
  const [deviceId, device] = await subscribedDevice()
  device.socket.pause()
  const payload = JSON.stringify('x'.repeat(100_000))
  for (let i = 0; i < 100; i++) deliver(deviceId, `s${i}`, payload)
  device.socket.resume()
  for (let i = 0; i < 50; i++) {
    expect((await device.nextPublish()).topic).toContain(`$rid=s${i}`)
    deliver(deviceId, `s${100 + i}`, payload) // while some of the first still wait
  }
  for (let i = 50; i < 150; i++) expect((await device.nextPublish()).topic).toContain(`$rid=s${i}`)
  device.end()
})
