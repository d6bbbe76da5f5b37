import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createHub, type Hub } from '../../src/library/create-hub.ts'
import {
  createDevices,
  followJob,
  invokeDeviceMethod,
  readDevice,
  readJob,
  scheduleDeviceMethod,
  scheduleTwinUpdate,
  updateTwin,
} from '../../src/library/documents.ts'
import { ConfigurationError, ConnectRefusedError, RegistrationError } from '../../src/library/index.ts'
import { type SimulatedFleet, simulateFleet } from '../../src/library/simulate-fleet.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const day = 86_400_000

/** Where hubs make their folders. */
let temporary: string
let database: TestDatabase
let hub: Hub
let fleet: SimulatedFleet
beforeAll(async () => {
  database = await createTestDatabase()
  temporary = await mkdtemp(join(tmpdir(), 'twincast-library-'))
  vi.stubEnv('TMPDIR', temporary)
  hub = await createHub({ settings: { DATABASE_URL: database.url } })
  fleet = await simulateFleet({
    hub,
    reportBack: ['interval'],
    devices: [
      { deviceId: 'boiler', tags: { floor: 1 }, reported: { firmware: '1.0' } },
      { deviceId: 'pump', tags: { floor: 1 }, behaviour: { kind: 'refuse', status: 409, payload: { busy: true } } },
      { deviceId: 'valve', tags: { floor: 2 }, desired: { interval: 60 } },
      { deviceId: 'meter', behaviour: { kind: 'offline' }, reported: { firmware: '1.0' } },
    ],
  })
})
afterAll(async () => {
  await fleet?.stop()
  await hub?.stop()
  await database.drop()
  vi.unstubAllEnvs()
  await rm(temporary, { recursive: true, force: true })
})

const schedule = async (jobId: string, queryCondition: string, startTime?: Date) => {
  const { scheduleDeviceMethod: result } = await hub.execute(scheduleDeviceMethod, {
    input: {
      jobId,
      queryCondition,
      cloudToDeviceMethod: { methodName: 'reboot', payload: { delay: 5 }, responseTimeoutInSeconds: 10 },
      ...(startTime && { startTime: startTime.toISOString() }),
    },
  })
  expect(result?.__typename).toBe('ScheduleJobPayload')
}

const ended = async (jobId: string) => {
  for await (const _ of hub.subscribe(followJob, { jobId }));
  const { job } = await hub.execute(readJob, { jobId })
  return job
}

test('a fleet is registered with its tags and properties, and has reported its own', async () => {
  const { device } = await hub.execute(readDevice, { deviceId: 'boiler' })
  expect(device).toMatchObject({
    connectionState: 'CONNECTED',
    twin: { tags: { floor: 1 }, properties: { reported: { value: { firmware: '1.0' } } } },
  })
  await expect
    .poll(() => hub.execute(readDevice, { deviceId: 'valve' }))
    .toMatchObject({ device: { twin: { properties: { reported: { value: { interval: 60 } } } } } })
  const { device: meter } = await hub.execute(readDevice, { deviceId: 'meter' })
  expect(meter).toMatchObject({ connectionState: 'DISCONNECTED' })
})

test('a job for tomorrow runs when the clock is moved to tomorrow, on the devices that are connected since today', async () => {
  await schedule('tomorrow', 'tags.floor = 1', new Date(hub.clock.now().getTime() + day))
  expect(fleet.calls).toEqual([])
  hub.clock.advance(day)
  const job = await ended('tomorrow')
  expect(job).toMatchObject({
    status: 'COMPLETED',
    deviceJobStatistics: { deviceCount: 2, succeededCount: 2, refusedCount: 1 },
  })
  expect([...fleet.calls].sort((a, b) => a.deviceId.localeCompare(b.deviceId))).toEqual([
    { deviceId: 'boiler', methodName: 'reboot', payload: { delay: 5 } },
    { deviceId: 'pump', methodName: 'reboot', payload: { delay: 5 } },
  ])
  const answers = job?.deviceJobs?.nodes.map(({ deviceId, outcome }) => [deviceId, outcome?.payload])
  expect(answers).toContainEqual(['pump', { busy: true }])
})

test('a device answers in another way, is disconnected and connected again as a test says', async () => {
  fleet.answerWith('valve', { kind: 'answer', status: 202, payload: 'opening' })
  const call = { input: { deviceId: 'valve', methodName: 'open' } }
  expect(await hub.execute(invokeDeviceMethod, call)).toEqual({
    invokeDeviceMethod: { __typename: 'InvokeDeviceMethodPayload', status: 202, payload: 'opening' },
  })
  await fleet.disconnect('valve')
  expect(await hub.execute(invokeDeviceMethod, call)).toMatchObject({
    invokeDeviceMethod: { code: expect.any(String) },
  })
  await fleet.connect('valve')
  expect(await hub.execute(invokeDeviceMethod, call)).toMatchObject({ invokeDeviceMethod: { status: 202 } })
})

test('a change of a twin reaches the device', async () => {
  await hub.execute(updateTwin, { input: { deviceId: 'valve', patch: { properties: { desired: { interval: 30 } } } } })
  await expect.poll(() => fleet.twinOf('valve').desired).toEqual({ interval: 30 })
  const { scheduleTwinUpdate: result } = await hub.execute(scheduleTwinUpdate, {
    input: {
      jobId: 'twin',
      queryCondition: 'tags.floor = 2',
      updateTwin: { properties: { desired: { interval: 15 } } },
    },
  })
  expect(result?.__typename).toBe('ScheduleJobPayload')
  expect(await ended('twin')).toMatchObject({ outcome: 'SUCCEEDED' })
  await expect
    .poll(() => fleet.twinOf('valve'))
    .toMatchObject({ desired: { interval: 15 }, reported: { interval: 15 } })
})

test('devices that exist keep their tags, a number of devices is enough, and a wrong one is refused', async () => {
  const more = await simulateFleet({ hub, devices: 2 })
  expect(more.deviceIds).toEqual(['device-1', 'device-2'])
  await more.stop()
  const again = await simulateFleet({ hub, devices: [{ deviceId: 'device-1', tags: { floor: 9 } }] })
  await again.stop()
  expect(await hub.execute(readDevice, { deviceId: 'device-1' })).toMatchObject({ device: { twin: { tags: {} } } })
  await expect(simulateFleet({ hub, devices: 0 })).rejects.toThrow('devices is 0; it must be 1 or more.')
  await expect(simulateFleet({ hub, devices: [{ deviceId: 'a b' }] })).rejects.toThrow(RegistrationError)
  expect(() => fleet.twinOf('other')).toThrow('This fleet has no device "other".')
})

test('devices connect by TLS where the hub has no other endpoint, and a disabled one is refused', async () => {
  const { mqtt: _, ...addresses } = hub.addresses
  const byTls = await simulateFleet({ hub: { ...hub, addresses: { ...addresses, mqtt: undefined } }, devices: 1 })
  await byTls.stop()
  const { createDevices: created } = await hub.execute(createDevices, {
    input: { devices: [{ deviceId: 'disabled', status: 'DISABLED' }] },
  })
  expect(created?.__typename).toBe('CreateDevicesPayload')
  await expect(simulateFleet({ hub, devices: [{ deviceId: 'disabled' }] })).rejects.toThrow(ConnectRefusedError)
})

test('settings that do not exist or are wrong are refused by their names, and leave nothing', async () => {
  const unknown = createHub({ settings: { DATABASE_URL: database.url, HTTP_PROT: '1' } })
  await expect(unknown).rejects.toThrow(ConfigurationError)
  await expect(unknown).rejects.toThrow('HTTP_PROT is not a setting: docs/configuration.md lists them.')
  await expect(createHub({ settings: { LOG_LEVEL: 'loud' } })).rejects.toThrow('LOG_LEVEL is "loud"')
  const off = createHub({ settings: { DATABASE_URL: database.url, MQTTS_PORT: 'off' } })
  await expect(off).rejects.toThrow('HTTP_PORT, HTTPS_PORT and MQTTS_PORT must not be off.')
  expect(await readdir(temporary)).toHaveLength(1)
})

test('after its stop nothing of the hub is left', async () => {
  await fleet.stop()
  await Promise.all([hub.stop(), hub.stop()])
  expect(await readdir(temporary)).toEqual([])
  await expect(fetch(`${hub.addresses.http}/healthz`)).rejects.toThrow()
})
