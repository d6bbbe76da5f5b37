import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDevice, deleteDevice } from '../../src/device/commands.ts'
import { approveJob, rejectJob } from '../../src/job/approval-commands.ts'
import { cancelJob, pauseJob, previewJob, resumeJob, retryJob } from '../../src/job/commands.ts'
import type { JobRequestInput } from '../../src/job/request.ts'
import { closeDeletedDevices } from '../../src/scheduler/close-deleted-devices.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../src/scope.ts'
import { patchTwin } from '../../src/twin/commands.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { byPolicy, counters, givenDevices, givenMethodJob, givenTwinJob, jobRow, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job', 'job', 'device']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
  await givenDevices(deps, 'pump', 3)
})

const run = async (maxRunning = 10) => {
  while ((await startDueJobs(deps, { maxRunning }).run(clock.now())).full);
}
const finish = () => finishJobs(deps).run(clock.now())
const hour = 3_600_000
const inAnHour = () => new Date(clock.now().getTime() + hour)
const atCreation = (request: Partial<JobRequestInput> = {}) =>
  givenMethodJob(deps, 'pump', {}, { targets: 'atCreation', startTime: inAnHour(), ...request })
const moveTo = (fleet: string, deviceId: string) =>
  patchTwin(deps, everything, { deviceId, patch: { tags: { fleet } }, ifMatch: '*' })
const eventsOf = async (jobId: string) => {
  const { rows } = await deps.database.pool.query(
    `select event.type, event.status, event.device_count from job_event event join job on key = job_key
     where id = $1 order by event.version`,
    [jobId],
  )
  return rows.map(({ type, status, device_count }) => `${type} ${status} ${device_count ?? ''}`.trim())
}
const targetsOf = async (jobId: string) => {
  const { rows } = await deps.database.pool.query<{ device_id: string }>(
    'select device_id from device_job join job on key = job_key where id = $1 order by device_id',
    [jobId],
  )
  return rows.map((row) => row.device_id)
}

describe('a job that selects its devices at its creation', () => {
  test('has them long before it starts, and keeps its status', async () => {
    const id = await atCreation()
    await run()
    expect(await counters(deps, id)).toBe('scheduled: 3 pending, 0 running, 0 succeeded, 0 failed, 0 canceled')
    expect(await jobRow(deps, id)).toMatchObject({ startedTime: null, selectedTime: clock.now(), version: 2 })
    expect(await eventsOf(id)).toEqual(['scheduled scheduled', 'devicesSelected scheduled 3'])
  })

  test('starts on these, whatever devices match by then', async () => {
    const id = await atCreation()
    await run()
    await givenDevices(deps, 'pump-late', 1)
    await moveTo('pump', 'pump-late-0001')
    await moveTo('moved', 'pump-0001')
    clock.advance(hour)
    await run()
    expect(await counters(deps, id)).toBe('running: 3 pending, 0 running, 0 succeeded, 0 failed, 0 canceled')
    expect(await targetsOf(id)).toEqual(['pump-0001', 'pump-0002', 'pump-0003'])
    expect((await eventsOf(id)).slice(1)).toEqual(['devicesSelected scheduled 3', 'queued queued', 'started running'])
  })

  test('patches the twins that it selected, once', async () => {
    const id = await givenTwinJob(deps, 'pump', { targets: 'atCreation' })
    await run()
    await dispatchTwinUpdates(deps).run(clock.now())
    await finish()
    expect(await counters(deps, id)).toBe('completed: 0 pending, 0 running, 3 succeeded, 0 failed, 0 canceled')
  })

  test('selects them once when several hubs do so at a time', async () => {
    const id = await atCreation()
    await Promise.all([run(), run(), run()])
    expect(await eventsOf(id)).toEqual(['scheduled scheduled', 'devicesSelected scheduled 3'])
    expect((await jobRow(deps, id)).deviceCount).toBe(3)
  })

  test('needs no slot for that, and starts when one is free', async () => {
    const first = await givenMethodJob(deps, 'pump')
    await run(1)
    clock.advance(1)
    const second = await atCreation({ startTime: null })
    await run(1)
    expect(await counters(deps, second)).toMatch(/^queued: 3 pending/)
    await cancelJob(deps, tester, first)
    await run(1)
    expect(await counters(deps, second)).toMatch(/^running: 3 pending/)
  })

  test('fails the devices that were deleted before it starts, and ends when there is no other', async () => {
    const id = await atCreation()
    await run()
    await deleteDevice(deps, everything, { deviceId: 'pump-0002', ifMatch: '*' })
    clock.advance(hour)
    await run()
    expect(await counters(deps, id)).toBe('running: 2 pending, 0 running, 0 succeeded, 1 failed, 0 canceled')
    const { rows } = await deps.database.pool.query('select device_id, error_code, version from device_job_outcome')
    expect(rows).toEqual([
      { device_id: 'pump-0002', error_code: 'DeviceNotFound', version: (await jobRow(deps, id)).version },
    ])

    const other = await atCreation()
    await run()
    for (const deviceId of ['pump-0001', 'pump-0003']) await deleteDevice(deps, everything, { deviceId, ifMatch: '*' })
    clock.advance(hour)
    await createDevice(deps, everything, { deviceId: 'pump-0003' })
    await run()
    await finish()
    expect(await counters(deps, other)).toBe('completed: 0 pending, 0 running, 0 succeeded, 2 failed, 0 canceled')
  })

  test('fails before its start when more devices match than allowed, and has none of them', async () => {
    const id = await atCreation({
      rollout: { waves: [{ devices: 1 }, {}], budget: { groupBy: 'tags.fleet', maxConcurrent: 1 } },
    })
    await deps.database.pool.query('update job set max_devices = 2 where id = $1', [id])
    await run()
    expect(await jobRow(deps, id)).toMatchObject({
      status: 'failed',
      failureReason: '3 devices match; this job is limited to 2.',
      matchedCount: 3,
      deviceCount: 0,
    })
    expect(await targetsOf(id)).toEqual([])
  })

  test('fails before its start when its condition does not parse any more', async () => {
    const id = await atCreation()
    await deps.database.pool.query("update job set query_condition = 'nonsense' where id = $1", [id])
    await run()
    expect(await jobRow(deps, id)).toMatchObject({ status: 'failed', deviceCount: 0 })
  })

  test('without devices ends at its start', async () => {
    const id = await givenMethodJob(deps, 'nobody', {}, { targets: 'atCreation', startTime: inAnHour() })
    await run()
    expect(await jobRow(deps, id)).toMatchObject({ status: 'scheduled', selectedTime: clock.now() })
    clock.advance(hour)
    await run()
    expect(await jobRow(deps, id)).toMatchObject({ status: 'completed', endTime: clock.now() })
  })

  test('has its waves and groups from then on, and opens the first wave at its start', async () => {
    const id = await atCreation({
      rollout: { waves: [{ devices: 1 }, {}], budget: { groupBy: 'tags.fleet', maxConcurrent: 1 } },
    })
    await run()
    const { key, openWave } = await jobRow(deps, id)
    expect(openWave).toBeNull()
    const sizes = async (text: string) =>
      (await deps.database.pool.query<{ size: number }>(text, [String(key)])).rows.map(({ size }) => size)
    expect(await sizes('select device_count as size from job_wave where job_key = $1 order by wave')).toEqual([1, 2])
    expect(await sizes('select device_count as size from budget_group where job_key = $1')).toEqual([3])
    clock.advance(hour)
    await run()
    expect((await jobRow(deps, id)).openWave).toBe(1)
  })

  test('is approved with the devices that it selected meanwhile', async () => {
    const id = await atCreation({ startTime: null, rollout: { approval: true } })
    await run()
    expect(await counters(deps, id)).toMatch(/^waitingForApproval: 3 pending/)
    await approveJob(deps, byPolicy('approver'), { jobId: id })
    await run()
    expect(await counters(deps, id)).toMatch(/^running: 3 pending/)
  })

  test('is rejected together with the devices that it selected meanwhile', async () => {
    const id = await atCreation({ startTime: null, rollout: { approval: true } })
    await run()
    await rejectJob(deps, byPolicy('approver'), { jobId: id })
    expect(await counters(deps, id)).toBe('cancelled: 0 pending, 0 running, 0 succeeded, 0 failed, 3 canceled')
  })

  test('counts a device in its wave that was deleted while the job was paused before its start', async () => {
    const id = await atCreation({ rollout: { waves: [{ devices: 3 }, {}] } })
    await run()
    await pauseJob(deps, tester, id)
    const closing = closeDeletedDevices(deps)
    await deleteDevice(deps, everything, { deviceId: 'pump-0002', ifMatch: '*' })
    await closing.run(clock.now())
    closing.close()
    await resumeJob(deps, tester, id)
    clock.advance(hour)
    await run()
    expect(await counters(deps, id)).toBe('running: 2 pending, 0 running, 0 succeeded, 1 failed, 0 canceled')
    const { rows } = await deps.database.pool.query(
      'select job_wave.failed_count as failed from job_wave join job on key = job_key where id = $1 and wave = 1',
      [id],
    )
    expect(rows).toEqual([{ failed: 1 }])
  })

  test('is cancelled before its start together with its devices', async () => {
    const id = await atCreation()
    await run()
    await cancelJob(deps, tester, id)
    expect(await counters(deps, id)).toBe('cancelled: 0 pending, 0 running, 0 succeeded, 0 failed, 3 canceled')
    expect((await jobRow(deps, id)).endTime).toEqual(clock.now())
  })

  test('can be paused before its start, and fails its devices when the time is up meanwhile', async () => {
    const id = await atCreation({ maxExecutionTimeInSeconds: 60 })
    await pauseJob(deps, tester, id)
    await run()
    expect(await counters(deps, id)).toMatch(/^paused: 3 pending/)
    await resumeJob(deps, tester, id)
    await pauseJob(deps, tester, id)
    clock.advance(hour + 60_000)
    await finish()
    expect(await counters(deps, id)).toBe('failed: 0 pending, 0 running, 0 succeeded, 3 failed, 0 canceled')
  })

  test('is repeated by a job that selects at its own creation', async () => {
    const source = await atCreation({ maxExecutionTimeInSeconds: 60 })
    await run()
    clock.advance(hour + 60_000)
    await run()
    await finish()
    const id = await retryJob(deps, tester, { jobId: source, startTime: inAnHour() })
    await run()
    expect(await counters(deps, id)).toMatch(/^scheduled: 3 pending/)
  })

  test('overlaps with a previewed job by the devices that it has', async () => {
    const id = await atCreation()
    await run()
    await givenDevices(deps, 'other', 2)
    await moveTo('pump', 'other-0001')
    const overlapWith = async (queryCondition: string) =>
      (await previewJob(deps, everything, { caller: 'tester' }, { queryCondition })).overlaps.map(
        ({ jobId, deviceCount }) => [jobId, deviceCount.value],
      )
    expect(await overlapWith("tags.fleet = 'pump'")).toEqual([[id, 3]])
  })
})
