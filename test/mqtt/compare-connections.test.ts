import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { takeLeaseForGood } from '../../src/database/instance-lease.ts'
import type { Deps } from '../../src/deps.ts'
import { deleteDevice, updateDevice } from '../../src/device/commands.ts'
import { recordPresence } from '../../src/device/presence-commands.ts'
import { createEvents } from '../../src/events/events.ts'
import { desiredPatchesFilter, methodsFilter } from '../../src/mqtt/topics.ts'
import { everything } from '../../src/scope.ts'
import {
  connectPacket,
  connectRaw,
  givenDevice,
  openRaw,
  type RawDevice,
  startDoor,
  subscribeRaw,
  type TestDoor,
} from './door.ts'

let hub: TestDoor
/** Another instance on the same database, of whose events nothing is heard here. */
let other: Deps
let holds = true
beforeAll(async () => {
  hub = await startDoor({ lease: (real) => ({ ...real, holds: () => holds }) })
  other = { ...hub.deps, events: createEvents(hub.deps.clock), lease: await takeLeaseForGood(hub.deps.db) }
})
afterAll(() => hub.close())

async function connectedDevice(): Promise<[string, RawDevice]> {
  const deviceId = await givenDevice(hub)
  const device = await connectRaw(hub.port, deviceId)
  await subscribeRaw(device, methodsFilter, desiredPatchesFilter)
  return [deviceId, device]
}

type Row = { readonly state: string; readonly connection: string | null; readonly instance: string | null }
async function presenceOf(deviceId: string): Promise<Row | undefined> {
  const { rows } = await hub.deps.database.pool.query<Row>(
    'select connection_state as state, connection_id as connection, instance_id as instance from device where id = $1',
    [deviceId],
  )
  return rows[0]
}
const connectElsewhere = (deviceId: string) =>
  recordPresence(other, [{ deviceId, connectionId: 'elsewhere', connected: true, time: hub.deps.clock.now() }])

/** The devices that are said to wait for calls again. */
function listenToWaiting(): string[] {
  const waiting: string[] = []
  hub.deps.events.listen('waiting')(({ deviceIds }) => waiting.push(...deviceIds))
  return waiting
}

// First of all: what went wrong was that a comparison of no connections was the last one.
test('a comparison that began while nobody was connected is repeated', async () => {
  hub.deps.events.lookAgain()
  const [deviceId, device] = await connectedDevice()
  await connectElsewhere(deviceId)
  expect(hub.door.stats().connections).toBe(1)
  hub.deps.events.lookAgain()
  await expect.poll(() => hub.door.stats().connections).toBe(0)
  expect(await device.next()).toBe('closed')
})

test('a device is in the rows when it hears that it is in', async () => {
  const [deviceId, device] = await connectedDevice()
  expect(await presenceOf(deviceId)).toMatchObject({ state: 'connected', instance: hub.deps.lease.instanceId })
  device.end()
  await expect.poll(() => presenceOf(deviceId)).toEqual({ state: 'disconnected', connection: null, instance: null })
})

test('when events were lost and nothing has changed, that takes a statement for devices, twins and policies each', async () => {
  const devices = [await connectedDevice(), await connectedDevice(), await connectedDevice()]
  const query = vi.spyOn(hub.deps.db, 'query')
  const transaction = vi.spyOn(hub.deps.db, 'transaction')
  hub.deps.events.lookAgain()
  const names = () => query.mock.calls.map(([, name]) => name).sort()
  const readPolicies = undefined // the statement has no name
  await expect.poll(names).toEqual(['find-deviations', 'find-newer-desired', readPolicies])
  await Promise.all(devices.map(async ([deviceId]) => await presenceOf(deviceId)))
  expect(names()).toHaveLength(3)
  expect(transaction).not.toHaveBeenCalled()
  query.mockRestore()
  transaction.mockRestore()
  for (const [, device] of devices) device.end()
})

test('when events were lost, devices go that are connected elsewhere, disabled or deleted, and the others stay', async () => {
  const [[moved, one], [disabled, two], [deleted, three], [, staying]] = [
    await connectedDevice(),
    await connectedDevice(),
    await connectedDevice(),
    await connectedDevice(),
  ]
  await connectElsewhere(moved)
  await updateDevice(other, everything, { deviceId: disabled, ifMatch: '*', status: 'disabled' })
  await deleteDevice(other, everything, { deviceId: deleted, ifMatch: '*' })
  hub.deps.events.lookAgain()
  for (const device of [one, two, three]) expect(await device.next()).toBe('closed')
  expect(await presenceOf(moved)).toMatchObject({ connection: 'elsewhere' })
  expect(await subscribeRaw(staying, methodsFilter)).toEqual([0])
  staying.end()
})

test('a connection that its row has lost is written again, and what waits for the device is asked for', async () => {
  const [deviceId, device] = await connectedDevice()
  const [otherId, second] = await connectedDevice()
  const before = await presenceOf(deviceId)
  const waiting = listenToWaiting()
  const { instanceId } = await takeLeaseForGood(hub.deps.db)
  const { pool } = hub.deps.database
  await pool.query(
    "update device set connection_state = 'disconnected', connection_id = null, instance_id = null where id = $1",
    [deviceId],
  )
  // As this instance was called before it was taken for dead.
  await pool.query('update device set instance_id = $1 where id = $2', [instanceId, otherId])
  await pool.query('update instance set lease_until = now() where id = $1', [instanceId])
  hub.deps.events.publish('returned', {})
  await expect.poll(() => [...waiting].sort()).toEqual([deviceId, otherId].sort())
  expect(await presenceOf(deviceId)).toEqual(before)
  expect(await presenceOf(otherId)).toMatchObject({ instance: hub.deps.lease.instanceId })
  device.end()
  second.end()
})

test('a connection that another has taken the place of is ended, and its end changes nothing', async () => {
  const [deviceId, device] = await connectedDevice()
  const [, staying] = await connectedDevice()
  const replaced: string[] = []
  other.events.listen('replaced')(({ connectionIds }) => replaced.push(...connectionIds))
  const before = await presenceOf(deviceId)
  await connectElsewhere(deviceId)
  expect(replaced).toEqual([before?.connection])
  hub.deps.events.receive('replaced', ['nobody', ...replaced])
  expect(await device.next()).toBe('closed')
  staying.end()
  await expect.poll(() => hub.door.stats().connections).toBe(0)
  expect(await presenceOf(deviceId)).toMatchObject({ state: 'connected', connection: 'elsewhere' })
})

test('when the database is out of reach and others are there, devices go, and nobody is let in until that is over', async () => {
  const [deviceId, device] = await connectedDevice()
  hub.deps.events.publish('stranded', {})
  expect(await device.next()).toBe('closed')
  holds = false
  const refused = await openRaw(hub.port)
  refused.write(connectPacket(deviceId))
  expect(await refused.next()).toMatchObject({ cmd: 'connack', returnCode: 3 })
  holds = true
  // By its own clock it is alive, and others know better.
  const { instanceId } = hub.deps.lease
  const { pool } = hub.deps.database
  await pool.query('update instance set lease_until = now() where id = $1', [instanceId])
  const again = await openRaw(hub.port)
  again.write(connectPacket(deviceId))
  expect(await again.next()).toMatchObject({ cmd: 'connack', returnCode: 3 })
  await expect.poll(() => presenceOf(deviceId)).toMatchObject({ state: 'disconnected' })
  await pool.query("update instance set lease_until = 'infinity' where id = $1", [instanceId])
  const back = await connectRaw(hub.port, deviceId)
  back.end()
})
