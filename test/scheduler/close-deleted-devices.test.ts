import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MethodRequest } from '../../src/attached-devices.ts'
import { createDevice, deleteDevice } from '../../src/device/commands.ts'
import { readRequestKey } from '../../src/job/store/jobs.ts'
import { closeDeletedDevices } from '../../src/scheduler/close-deleted-devices.ts'
import { dispatchMethodCalls } from '../../src/scheduler/dispatch-method-calls.ts'
import { createInFlightCalls } from '../../src/scheduler/in-flight-calls.ts'
import { createOrphanCandidates } from '../../src/scheduler/orphan-candidates.ts'
import { settleDeviceJobs } from '../../src/scheduler/settle-device-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { counters, givenDevices, givenMethodJob, givenPresent } from '../support/rows.ts'

let clock: TestClock
let deps: TestDeps
let jobId: string
let received: MethodRequest[]
let settling: ReturnType<typeof settleDeviceJobs>
let closing: ReturnType<typeof closeDeletedDevices>
let dispatch: () => Promise<void>
const closers: (() => void)[] = []

/** Two devices have the call of a job, a third waits for it. */
beforeEach(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  const ids = await givenDevices(deps, 'pump', 3)
  await givenPresent(deps, ids)
  received = []
  for (const id of ids.slice(0, 2)) closers.push(deps.attached.attach(id, (request) => received.push(request)))
  const requestKey = await readRequestKey(deps.db)
  const window = createInFlightCalls(10, () => {})
  settling = settleDeviceJobs(deps, { requestKey, window })
  closing = closeDeletedDevices(deps)
  const dispatching = dispatchMethodCalls(deps, { requestKey, window, orphans: createOrphanCandidates() })
  closers.push(() => dispatching.close())
  jobId = await givenMethodJob(deps, 'pump')
  await startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
  dispatch = async () => {
    while ((await dispatching.run(clock.now())).full);
  }
  await dispatch()
  expect(await counters(deps, jobId)).toContain('1 pending, 2 running')
})
afterEach(async () => {
  await closing.close()
  for (const close of closers.splice(0)) close()
  await deps.close()
})

const close = async (deviceId: string): Promise<void> => {
  await deleteDevice(deps, everything, { deviceId, ifMatch: '*' })
  await expect.poll(async () => (await closing.run(clock.now())).done).toBe(1)
}

test('a device that is deleted while a job waits for its turn or its answer has failed', async () => {
  await close('pump-0003')
  expect(await counters(deps, jobId)).toContain('0 pending, 2 running, 0 succeeded, 1 failed')
  await close('pump-0001')
  expect(await counters(deps, jobId)).toContain('0 pending, 1 running, 0 succeeded, 2 failed')
  const { rows } = await deps.database.pool.query(
    'select error_code, error_description from device_job_outcome order by device_id',
  )
  expect(rows).toEqual([
    {
      error_code: 'DeviceNotFound',
      error_description: 'The call was sent, but the device was deleted before it answered.',
    },
    { error_code: 'DeviceNotFound', error_description: 'The device was deleted before the job reached it.' },
  ])
  await settling.close()
})

test('another device of the same id does not get the call that waits for its predecessor', async () => {
  const called: (string | undefined)[] = []
  const continuous = await givenMethodJob(deps, 'pump', {}, { targets: 'continuous' })
  await startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
  await deleteDevice(deps, everything, { deviceId: 'pump-0003', ifMatch: '*' })
  clock.advance(3_000)
  await createDevice(deps, everything, { deviceId: 'pump-0003' })
  // It may connect before the hub has looked.
  closers.push(deps.attached.attach('pump-0003', ({ requestId }) => called.push(requestId.split('.')[0])))
  await dispatch()
  expect(called).toEqual([continuous])
  await expect.poll(async () => (await closing.run(clock.now())).done).toBe(1)
  expect(await counters(deps, jobId)).toContain('0 pending, 2 running, 0 succeeded, 1 failed')
  // The device that joins a continuous job may be a new one.
  expect(await counters(deps, continuous)).toContain('0 pending, 3 running, 0 succeeded, 0 failed')
  await settling.close()
})

test('a device that was selected keeps its call when it is changed', async () => {
  const id = await givenMethodJob(
    deps,
    'pump',
    {},
    { targets: 'atCreation', startTime: new Date(clock.now().getTime() + 60_000) },
  )
  clock.advance(60_000)
  for (const deviceId of ['pump-0002', 'pump-0003']) deps.events.publish('identity', { deviceId })
  expect((await closing.run(clock.now())).done).toBe(0)
  expect(await counters(deps, id)).toContain('0 failed')
  expect(await counters(deps, jobId)).toContain('1 pending, 2 running')
  await settling.close()
})

test('another device of the same id cannot answer the call of its predecessor', async () => {
  await deleteDevice(deps, everything, { deviceId: 'pump-0001', ifMatch: '*' })
  clock.advance(1)
  await createDevice(deps, everything, { deviceId: 'pump-0001' })
  await expect.poll(async () => (await closing.run(clock.now())).done).toBe(1)
  for (const { deviceId, requestId } of received) {
    expect(settling.take({ deviceId, requestId, response: { status: 200, payload: 'null' } })).toBe(true)
  }
  await settling.close()
  expect(await counters(deps, jobId)).toContain('1 pending, 0 running, 1 succeeded, 1 failed')
})
