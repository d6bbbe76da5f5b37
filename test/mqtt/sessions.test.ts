import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createDevice, deleteDevice } from '../../src/device/commands.ts'
import { desiredPatchesFilter, methodsFilter, twinResponsesFilter } from '../../src/mqtt/topics.ts'
import { everything } from '../../src/scope.ts'
import { patchTwin } from '../../src/twin/commands.ts'
import {
  connectPacket,
  givenDevice,
  openRaw,
  primaryKey,
  type RawDevice,
  secondaryKey,
  startDoor,
  subscribeRaw,
  type TestDoor,
} from './door.ts'

let hub: TestDoor
let deviceId: string
beforeAll(async () => {
  hub = await startDoor()
})
afterAll(() => hub.close())
beforeEach(async () => {
  deviceId = await givenDevice(hub)
})

/** Connects, and answers also whether the hub knew the session. */
async function connect(changes: object = {}): Promise<RawDevice & { readonly sessionPresent: boolean }> {
  const device = await openRaw(hub.port)
  device.write(connectPacket(deviceId, changes))
  const answer = await device.next()
  if (answer === 'closed' || answer.cmd !== 'connack') throw new Error(`no answer: ${JSON.stringify(answer)}`)
  return { ...device, sessionPresent: answer.sessionPresent }
}

/** Takes leave, as the SDK does before it renews its token. */
async function disconnect(device: RawDevice): Promise<void> {
  device.write({ cmd: 'disconnect' })
  expect(await device.next()).toBe('closed')
}

/** What the database keeps of the device's session. */
const kept = async (): Promise<unknown> =>
  (await hub.deps.database.pool.query('select subscriptions from mqtt_session where device_id = $1', [deviceId]))
    .rows[0]?.subscriptions

const call = (requestId: string): boolean =>
  hub.deps.attached.deliver({ deviceId, requestId, methodName: 'reboot', payload: 'null' })

const setDesired = (value: number): Promise<unknown> =>
  patchTwin(hub.deps, everything, { deviceId, patch: { desired: { value } }, ifMatch: '*' })

test('what a device subscribed to holds again when it comes back, without its asking', async () => {
  const first = await connect()
  expect(first.sessionPresent).toBe(false)
  expect(await subscribeRaw(first, methodsFilter, desiredPatchesFilter)).toEqual([0, 0])
  await disconnect(first)
  expect(call('r.1')).toBe(false)

  const second = await connect()
  expect(second.sessionPresent).toBe(true)
  expect(call('r.2')).toBe(true)
  expect(await second.nextPublish()).toMatchObject({ topic: '$iothub/methods/POST/reboot/?$rid=r.2' })
  await setDesired(1)
  expect(await second.nextPublish()).toMatchObject({ topic: '$iothub/twin/PATCH/properties/desired/?$version=2' })
  second.end()
})

test('a subscription is kept, with its QoS, when it is acknowledged, and forgotten when its end is', async () => {
  const device = await connect()
  await subscribeRaw(device, { topic: methodsFilter, qos: 1 }, { topic: twinResponsesFilter, qos: 2 }, '#')
  expect(await kept()).toEqual({ [methodsFilter]: 1, [twinResponsesFilter]: 1 })
  await subscribeRaw(device, { topic: twinResponsesFilter, qos: 0 })
  expect(await kept()).toEqual({ [methodsFilter]: 1, [twinResponsesFilter]: 0 })
  device.write({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: [methodsFilter] })
  expect(await device.next()).toMatchObject({ cmd: 'unsuback', messageId: 9 })
  expect(await kept()).toEqual({ [twinResponsesFilter]: 0 })
  device.end()
})

test('a device may wait for cloud-to-device messages, of which there are none, in a kept session too', async () => {
  const filter = `devices/${deviceId}/messages/devicebound/#`
  const first = await connect()
  expect(await subscribeRaw(first, { topic: filter, qos: 2 })).toEqual([1])
  expect(await kept()).toEqual({ [filter]: 1 })
  await disconnect(first)
  const second = await connect()
  expect(second.sessionPresent).toBe(true)
  second.write({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: [filter] })
  expect(await second.next()).toMatchObject({ cmd: 'unsuback' })
  expect(await kept()).toEqual({})
  second.end()
})

test('a session without subscriptions is one', async () => {
  await disconnect(await connect())
  const device = await connect()
  expect(device.sessionPresent).toBe(true)
  expect(await subscribeRaw(device, '$')).toEqual([0x80])
  device.end()
})

test('a clean session ends the kept one, and is not kept itself', async () => {
  const first = await connect()
  await subscribeRaw(first, methodsFilter)
  await disconnect(first)

  const clean = await connect({ clean: true })
  expect(clean.sessionPresent).toBe(false)
  expect(call('r.1')).toBe(false)
  await subscribeRaw(clean, methodsFilter)
  await disconnect(clean)

  const third = await connect()
  expect(third.sessionPresent).toBe(false)
  expect(call('r.2')).toBe(false)
  await expect.poll(kept).toEqual({})
  third.end()
})

test('the newer of two connections goes on with the session of the older', async () => {
  const older = await connect()
  await subscribeRaw(older, methodsFilter)
  const newer = await connect()
  expect(newer.sessionPresent).toBe(true)
  expect(await older.next()).toBe('closed')
  expect(call('r.1')).toBe(true)
  expect(await newer.nextPublish()).toMatchObject({ topic: '$iothub/methods/POST/reboot/?$rid=r.1' })
  newer.end()
})

test('a call that waits for the device comes after CONNACK', async () => {
  const first = await connect()
  await subscribeRaw(first, methodsFilter)
  await disconnect(first)
  const stop = hub.deps.attached.onAttach(() => call('r.1'))
  const device = await openRaw(hub.port)
  device.write(connectPacket(deviceId))
  expect(await device.next()).toMatchObject({ cmd: 'connack', sessionPresent: true })
  expect(await device.nextPublish()).toMatchObject({ topic: '$iothub/methods/POST/reboot/?$rid=r.1' })
  stop()
  device.end()
})

test('the session goes with its device, and another of the same name begins without one', async () => {
  const first = await connect()
  await subscribeRaw(first, methodsFilter)
  await deleteDevice(hub.deps, everything, { deviceId, ifMatch: '*' })
  expect(await first.next()).toBe('closed')
  expect(await kept()).toBe(undefined)
  await createDevice(hub.deps, everything, { deviceId, authentication: { symmetricKey: { primaryKey, secondaryKey } } })
  const second = await connect()
  expect(second.sessionPresent).toBe(false)
  second.end()
})

test('who wants a session that cannot be read is closed, and comes in later', async () => {
  await disconnect(await connect())
  await hub.deps.database.pool.query('alter table mqtt_session rename to hidden')
  const device = await openRaw(hub.port)
  device.write(connectPacket(deviceId))
  const answer = await device.next()
  await hub.deps.database.pool.query('alter table hidden rename to mqtt_session')
  expect(answer).toBe('closed')
  await expect.poll(async () => (await connect().catch(() => undefined))?.sessionPresent).toBe(true)
})
