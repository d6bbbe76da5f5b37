import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Deps } from '../../src/deps.ts'
import { updateDevice } from '../../src/device/commands.ts'
import { recordPresence } from '../../src/device/presence-commands.ts'
import { createEvents } from '../../src/events/events.ts'
import { desiredPatchesFilter, twinResponsesFilter } from '../../src/mqtt/topics.ts'
import { everything } from '../../src/scope.ts'
import { patchTwin, readTwin, reportProperties } from '../../src/twin/commands.ts'
import {
  connectPacket,
  connectRaw,
  givenDevice,
  holdReads,
  openRaw,
  publishPacketOf,
  type RawDevice,
  startDoor,
  subscribeRaw,
  type TestDoor,
} from './door.ts'

const reads = holdReads()
let hub: TestDoor
/** Another instance on the same database. */
let elsewhere: Deps
beforeAll(async () => {
  hub = await startDoor({ db: reads.db })
  elsewhere = { ...hub.deps, events: createEvents(hub.deps.clock) }
})
afterAll(() => hub.close())

/** A device that has read its twin and is subscribed to changes of it. */
async function watchingDevice(): Promise<[string, RawDevice]> {
  const deviceId = await givenDevice(hub, { desired: { a: 1 } })
  const device = await connectRaw(hub.port, deviceId)
  await subscribeRaw(device, twinResponsesFilter, desiredPatchesFilter)
  device.write(publishPacketOf('$iothub/twin/GET/?$rid=1', ' '))
  await device.nextPublish()
  return [deviceId, device]
}
const told = (version: number, payload: object) => ({
  topic: `$iothub/twin/PATCH/properties/desired/?$version=${version}`,
  payload: JSON.stringify({ ...payload, $version: version }),
})

test('a device is told of what was desired through another instance, as the whole section', async () => {
  const [deviceId, device] = await watchingDevice()
  await patchTwin(elsewhere, everything, { deviceId, ifMatch: '*', patch: { desired: { b: 2 } } })
  hub.deps.events.receive('twin', ['nobody', deviceId])
  expect(await device.nextPublish()).toEqual(told(2, { a: 1, b: 2 }))
  // What was only reported is nothing to tell, and neither is what has been told.
  hub.deps.events.receive('twin', [deviceId])
  await patchTwin(hub.deps, everything, { deviceId, ifMatch: '*', patch: { desired: { c: 3 } } })
  expect(await device.nextPublish()).toEqual(told(3, { c: 3 }))
  device.end()
})

test('when events of other instances were lost, devices are told of what was desired meanwhile', async () => {
  const [deviceId, device] = await watchingDevice()
  await patchTwin(elsewhere, everything, { deviceId, ifMatch: '*', patch: { desired: { b: 2 } } })
  hub.deps.events.lookAgain()
  expect(await device.nextPublish()).toEqual(told(2, { a: 1, b: 2 }))
  device.end()
})

/** A device that comes back to its session, whose admission is held; what to do to let it in. */
async function arrivingDevice() {
  const [deviceId, first] = await watchingDevice()
  first.write({ cmd: 'disconnect' })
  expect(await first.next()).toBe('closed')
  const hold = reads.hold('find-mqtt-sessions')
  const device = await openRaw(hub.port)
  device.write(connectPacket(deviceId))
  await hold.made
  return { deviceId, device, admit: hold.release }
}

test('a device that does not read its twin is told of what was desired while it was let in, by whichever instance', async () => {
  const patch = { deviceId: '', ifMatch: '*', patch: { desired: { b: 2 } } }
  const ways: readonly ((deviceId: string) => Promise<void>)[] = [
    (deviceId) => patchTwin(hub.deps, everything, { ...patch, deviceId }),
    async (deviceId) => {
      await patchTwin(elsewhere, everything, { ...patch, deviceId })
      hub.deps.events.receive('twin', [deviceId])
    },
    async (deviceId) => {
      await patchTwin(elsewhere, everything, { ...patch, deviceId })
      hub.deps.events.lookAgain()
    },
  ]
  for (const change of ways) {
    const { deviceId, device, admit } = await arrivingDevice()
    await change(deviceId)
    admit()
    expect(await device.next()).toMatchObject({ cmd: 'connack', sessionPresent: true })
    expect(await device.nextPublish()).toEqual(told(2, { a: 1, b: 2 }))
    device.end()
  }
})

test('a device that goes to another instance while it is let in here is not let in', async () => {
  const { deviceId, device, admit } = await arrivingDevice()
  const { rows } = await hub.deps.database.pool.query('select connection_id as id from device where id = $1', [
    deviceId,
  ])
  hub.deps.events.publish('replaced', { connectionIds: [rows[0].id] })
  admit()
  expect(await device.next()).toBe('closed')
})

test('what a device reports is not overwritten by an older connection whose instance does not know of the newer one', async () => {
  const [deviceId, device] = await watchingDevice()
  // To another instance, whose notification of it has not arrived.
  const newer = { deviceId, connectionId: 'newer', connected: true, time: new Date() }
  await recordPresence(elsewhere, [newer])
  await reportProperties(elsewhere, deviceId, { mode: 'new', from: 'newer' }, newer.connectionId)
  device.write(publishPacketOf('$iothub/twin/PATCH/properties/reported/?$rid=2', '{"mode":"old"}'))
  expect(await device.next()).toBe('closed')
  expect(await readTwin(elsewhere, everything, deviceId)).toMatchObject({
    reported: { mode: 'new', from: 'newer' },
    reportedVersion: 2,
  })
})

test('a device whose row has lost its connection goes on reporting', async () => {
  const [deviceId, device] = await watchingDevice()
  await hub.deps.database.pool.query(
    "update device set connection_id = null, instance_id = null, connection_state = 'disconnected' where id = $1",
    [deviceId],
  )
  device.write(publishPacketOf('$iothub/twin/PATCH/properties/reported/?$rid=2', '{"mode":"same"}'))
  expect(await device.nextPublish()).toMatchObject({ topic: '$iothub/twin/res/204/?$rid=2&$version=2' })
  device.end()
})

test('a device that is disabled through another instance is dropped, also when the event of it was lost', async () => {
  const [firstId, first] = await watchingDevice()
  const [secondId, second] = await watchingDevice()
  const [, third] = await watchingDevice()
  for (const deviceId of [firstId, secondId]) {
    await updateDevice(elsewhere, everything, { deviceId, ifMatch: '*', status: 'disabled' })
  }
  hub.deps.events.receive('identity', [firstId])
  expect(await first.next()).toBe('closed')
  hub.deps.events.lookAgain()
  expect(await second.next()).toBe('closed')
  await expect.poll(() => hub.door.stats().connections).toBe(1)
  third.end()
})
