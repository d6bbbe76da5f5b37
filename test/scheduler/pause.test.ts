import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAttachedDevices, type MethodRequest } from '../../src/attached-devices.ts'
import { deleteDevice } from '../../src/device/commands.ts'
import { cancelJob, pauseJob, resumeJob } from '../../src/job/commands.ts'
import { closeDeletedDevices } from '../../src/scheduler/close-deleted-devices.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { createInstance, type TestInstance } from '../support/instance.ts'
import { counters, givenDevices, givenMethodJob, givenPresent, givenTwinJob, jobRow, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock
let ids: string[]
let instance: TestInstance
let received: MethodRequest[]
let detach: (() => void)[]

const attach = (deviceId: string) => detach.push(deps.attached.attach(deviceId, (request) => received.push(request)))
const called = () => received.map(({ deviceId }) => deviceId)
const start = (maxRunning = 10) => startDueJobs(deps, { maxRunning }).run(clock.now())
const finish = () => finishJobs(deps).run(clock.now())
const pause = (jobId: string) => pauseJob(deps, tester, jobId)
const resume = (jobId: string) => resumeJob(deps, tester, jobId)
const second = 1_000

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job', 'device']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
  ids = await givenDevices(deps, 'pump', 5)
  await givenPresent(deps, ids)
  received = []
  detach = []
  instance = await createInstance(deps)
})
afterEach(async () => {
  for (const end of detach) end()
  await instance.stop()
})

describe('a paused method job', () => {
  test('calls nobody, also no device that connects, and calls each device once after it is resumed', async () => {
    for (const id of ids.slice(0, 2)) attach(id)
    const job = await givenMethodJob(deps, 'pump')
    await start()
    await instance.dispatch()
    expect(await pause(job)).toBe(2)
    for (const id of ids.slice(2)) attach(id)
    await instance.dispatch()
    expect(called()).toEqual(ids.slice(0, 2))
    expect(await counters(deps, job)).toBe('paused: 3 pending, 2 running, 0 succeeded, 0 failed, 0 canceled')
    await resume(job)
    await instance.dispatch()
    expect(called()).toEqual(ids)
  })

  test('is called to the end even if the hub noticed neither the pause nor the resumption', async () => {
    for (const id of ids) attach(id)
    const job = await givenMethodJob(deps, 'pump')
    await start()
    // The batch has been taken when the job is paused, and is refused; the job runs again at the next turn.
    const { autocommit } = deps.db
    let isFirst = true
    Object.assign(deps.db, {
      autocommit: async (work: Parameters<typeof autocommit>[0]) => {
        if (isFirst) {
          isFirst = false
          await pause(job)
          const result = await autocommit(work)
          await resume(job)
          return result
        }
        return autocommit(work)
      },
    })
    await instance.dispatch()
    Object.assign(deps.db, { autocommit })
    expect(called()).toEqual([])
    await instance.dispatch()
    expect(called()).toEqual(ids)
  })

  test('has sent exactly the calls that the pause found under way, whatever several instances were about to send', async () => {
    const job = await givenMethodJob(deps, 'pump')
    await start()
    const instances = await Promise.all(
      ids.map((id) => {
        const attached = createAttachedDevices()
        attached.attach(id, (request) => received.push(request))
        return createInstance({ ...deps, attached })
      }),
    )
    const [underWay] = await Promise.all([pause(job), ...instances.map((each) => each.dispatch())])
    expect(received).toHaveLength(underWay)
    expect((await jobRow(deps, job)).runningCount).toBe(underWay)
    await Promise.all(instances.map((each) => each.dispatch()))
    expect(received).toHaveLength(underWay)
    await resume(job)
    await Promise.all(instances.map((each) => each.dispatch()))
    expect(called().sort()).toEqual(ids)
    await Promise.all(instances.map((each) => each.stop()))
  })

  test('takes the answers to calls under way, and completes when it has no device left', async () => {
    for (const id of ids) attach(id)
    const job = await givenMethodJob(deps, 'pump')
    await start()
    await instance.dispatch()
    expect(await pause(job)).toBe(5)
    for (const request of received) instance.answer(request)
    await instance.settled()
    await finish()
    expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 5 succeeded, 0 failed, 0 canceled')
  })

  test('gives calls up that are not answered in time', async () => {
    attach('pump-0001')
    const job = await givenMethodJob(deps, 'pump')
    await start()
    await instance.dispatch()
    await pause(job)
    clock.advance(31 * second)
    await instance.expire()
    expect(await counters(deps, job)).toBe('paused: 4 pending, 0 running, 0 succeeded, 1 failed, 0 canceled')
  })

  test('does not count the connect timeout, which begins anew when it is resumed', async () => {
    const job = await givenMethodJob(deps, 'pump', { connectTimeoutInSeconds: 10 })
    await start()
    await pause(job)
    clock.advance(20 * second)
    await instance.expire()
    expect(await counters(deps, job)).toContain('5 pending')
    await resume(job)
    clock.advance(9 * second)
    await instance.expire()
    expect(await counters(deps, job)).toContain('5 pending')
    clock.advance(10 * second)
    await instance.expire()
    expect(await counters(deps, job)).toContain('5 failed')
  })

  test('fails a device that is deleted while it waits', async () => {
    const job = await givenMethodJob(deps, 'pump')
    await start()
    await pause(job)
    const closing = closeDeletedDevices(deps)
    await deleteDevice(deps, everything, { deviceId: 'pump-0004', ifMatch: '*' })
    await closing.run(clock.now())
    closing.close()
    expect(await counters(deps, job)).toBe('paused: 4 pending, 0 running, 0 succeeded, 1 failed, 0 canceled')
  })

  test('keeps its deadline: at that time it ends, and its waiting devices fail', async () => {
    const job = await givenMethodJob(deps, 'pump', {}, { maxExecutionTimeInSeconds: 60 })
    await start()
    await pause(job)
    clock.advance(60 * second)
    await finish()
    expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 0 succeeded, 5 failed, 0 canceled')
    await expect(resume(job)).rejects.toThrow("Job cannot be resumed in 'Completed' status.")
  })

  test('can be cancelled', async () => {
    const job = await givenMethodJob(deps, 'pump')
    await start()
    await pause(job)
    await cancelJob(deps, tester, job)
    expect(await counters(deps, job)).toBe('cancelled: 0 pending, 0 running, 0 succeeded, 0 failed, 5 canceled')
  })

  test('keeps its slot, so that it can go on at once', async () => {
    const job = await givenMethodJob(deps, 'pump', {}, { jobId: 'a' })
    const next = await givenMethodJob(deps, 'pump', {}, { jobId: 'b' })
    await start(1)
    await pause(job)
    await start(1)
    expect((await jobRow(deps, next)).status).toBe('queued')
    await cancelJob(deps, tester, job)
    await start(1)
    expect((await jobRow(deps, next)).status).toBe('running')
  })
})

test('a paused twin job patches nothing until it is resumed, and then each twin once', async () => {
  const job = await givenTwinJob(deps, 'pump')
  await start()
  await pause(job)
  const step = dispatchTwinUpdates(deps)
  const dispatch = async () => {
    while ((await step.run(clock.now())).full);
  }
  await dispatch()
  expect(await counters(deps, job)).toBe('paused: 5 pending, 0 running, 0 succeeded, 0 failed, 0 canceled')
  await resume(job)
  await dispatch()
  await finish()
  expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 5 succeeded, 0 failed, 0 canceled')
  const { rows } = await deps.database.pool.query('select distinct desired_version from twin')
  expect(rows).toEqual([{ desired_version: 2 }])
})

describe('a job that is paused before it starts', () => {
  test('does not start, and waits for its start time again when it is resumed', async () => {
    const startTime = new Date(clock.now().getTime() + 60 * second)
    const job = await givenMethodJob(deps, 'pump', {}, { startTime })
    expect(await pause(job)).toBe(0)
    clock.advance(61 * second)
    await start()
    await finish()
    expect((await jobRow(deps, job)).status).toBe('paused')
    await resume(job)
    expect((await jobRow(deps, job)).status).toBe('scheduled')
    await start()
    expect((await jobRow(deps, job)).status).toBe('running')
  })

  test('fails when its deadline passes', async () => {
    const job = await givenMethodJob(deps, 'pump', {}, { maxExecutionTimeInSeconds: 60 })
    await pause(job)
    clock.advance(60 * second)
    await finish()
    expect(await jobRow(deps, job)).toMatchObject({
      status: 'failed',
      failureReason: 'The deadline of the job passed while it was paused, before it started.',
    })
  })
})

test('what is paused is not paused again, and what is not paused is not resumed', async () => {
  const job = await givenMethodJob(deps, 'pump')
  await expect(resume(job)).rejects.toThrow("Job cannot be resumed in 'Queued' status.")
  await pause(job)
  await expect(pause(job)).rejects.toThrow("Job cannot be paused in 'Paused' status.")
  await expect(pause('unknown')).rejects.toThrow('unknown')
  await cancelJob(deps, tester, job)
  await expect(resume(job)).rejects.toThrow("Job cannot be resumed in 'Cancelled' status.")
})

test('a job whose history is full is not paused, but resumed', async () => {
  const job = await givenMethodJob(deps, 'pump')
  const fill = (count: number) =>
    deps.database.pool.query(
      `insert into job_event (job_key, version, time, type, status, cause)
       select key, 1000 + place, now(), 'paused', 'paused', 'user' from job, generate_series(1, ${count}) place`,
    )
  await fill(998)
  await pause(job)
  await resume(job)
  await expect(pause(job)).rejects.toThrow('full')
  expect((await jobRow(deps, job)).status).toBe('scheduled')
})
