import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAttachedDevices, type MethodRequest } from '../../src/attached-devices.ts'
import { jobEventInterval } from '../../src/events/events.ts'
import { updateJob } from '../../src/job/commands.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
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
const start = () => startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
const called = () => received.map(({ deviceId }) => deviceId)

/** Limits of jobs go by the clock of the database. For the jobs, this much passes on it. */
async function pass(ms: number): Promise<void> {
  await deps.database.pool.query(`update job set rate_paid_until = rate_paid_until - $1 * interval '1 ms'`, [ms])
  clock.advance(ms)
}

/** Lets the intervals pass in which changes of a job are held back. */
const calm = async () => {
  for (let turn = 0; turn < 3; turn++) {
    clock.advance(jobEventInterval)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  ids = await givenDevices(deps, 'pump', 7)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
  await givenPresent(deps, ids)
  received = []
  detach = []
  instance = await createInstance(deps)
})
afterEach(async () => {
  for (const end of detach) end()
  await instance.stop()
})

describe('a job with a maximum of calls in progress', () => {
  const limited = { rollout: { maxConcurrent: 2 } }

  test('has no more, and a call that ends makes room for another, until every device was called once', async () => {
    for (const id of ids) attach(id)
    const job = await givenMethodJob(deps, 'pump', {}, limited)
    await start()
    await instance.dispatch()
    await instance.dispatch()
    expect(called()).toEqual(ids.slice(0, 2))
    for (let index = 0; index < ids.length; index++) {
      const request = received[index]
      if (request === undefined) throw new Error('No room was made.')
      // Through another instance, which may take any answer.
      const other = await createInstance(deps)
      other.answer(request)
      await other.stop()
      await calm()
      await instance.dispatch()
      expect((await jobRow(deps, job)).runningCount).toBe(Math.min(2, ids.length - index - 1))
    }
    expect(called().sort()).toEqual(ids)
    await finishJobs(deps).run(clock.now())
    expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 7 succeeded, 0 failed, 0 canceled')
  })

  test('has no more over all instances together', async () => {
    const job = await givenMethodJob(deps, 'pump', {}, limited)
    await start()
    const instances = await Promise.all(
      ids.map((id) => {
        const attached = createAttachedDevices()
        attached.attach(id, (request) => received.push(request))
        return createInstance({ ...deps, attached })
      }),
    )
    await Promise.all(instances.map((each) => each.dispatch()))
    expect(received).toHaveLength(2)
    expect((await jobRow(deps, job)).runningCount).toBe(2)
    await Promise.all(instances.map((each) => each.stop()))
  })

  test('does not keep other jobs from calling the same devices', async () => {
    for (const id of ids) attach(id)
    await givenMethodJob(deps, 'pump', {}, { ...limited, jobId: 'limited' })
    await givenMethodJob(deps, 'pump', { methodName: 'other' })
    while ((await start()).full);
    await instance.dispatch()
    expect(received.filter(({ methodName }) => methodName === 'other')).toHaveLength(7)
    expect(received.filter(({ methodName }) => methodName === 'reboot')).toHaveLength(2)
  })

  test('goes on when a call ends, although a rate holds another job for longer', async () => {
    for (const id of ids) attach(id)
    await givenMethodJob(deps, 'pump', { methodName: 'slow' }, { rollout: { maxPerMinute: 1 } })
    await givenMethodJob(deps, 'pump', {}, limited)
    while ((await start()).full);
    await instance.dispatch()
    const calls = () => received.filter(({ methodName }) => methodName === 'reboot')
    const [first] = calls()
    if (first === undefined) throw new Error('No device was called.')
    instance.answer(first)
    await instance.settled()
    await calm()
    await instance.dispatch()
    expect(calls()).toHaveLength(3)
  })

  test('gets more room at once when its limit is raised or removed', async () => {
    for (const id of ids) attach(id)
    const jobId = await givenMethodJob(deps, 'pump', {}, limited)
    await start()
    await instance.dispatch()
    await updateJob(deps, tester, { jobId, rollout: { maxConcurrent: 3 } })
    await instance.dispatch()
    expect(received).toHaveLength(3)
    await updateJob(deps, tester, { jobId, rollout: null })
    await instance.dispatch()
    expect(called().sort()).toEqual(ids)
  })
})

test('a method job with a rate calls the devices of a second at a time, as time passes, each once', async () => {
  for (const id of ids) attach(id)
  const job = await givenMethodJob(deps, 'pump', {}, { rollout: { maxPerMinute: 120 } })
  await start()
  await instance.dispatch()
  await instance.dispatch()
  expect(received).toHaveLength(2)
  await pass(1_100)
  await instance.dispatch()
  expect(received).toHaveLength(4)
  // What nobody uses is not saved up.
  await pass(60_000)
  await instance.dispatch()
  expect(received).toHaveLength(6)
  await pass(1_100)
  await instance.dispatch()
  expect(called().sort()).toEqual(ids)
  expect(await counters(deps, job)).toContain('7 running')
})

test('a twin job with a rate patches the twins of a second at a time, each once', async () => {
  const job = await givenTwinJob(deps, 'pump', { rollout: { maxPerMinute: 120 } })
  await start()
  const step = dispatchTwinUpdates(deps)
  const dispatch = async () => {
    for (let turn = 0; turn < 20; turn++) if (!(await step.run(clock.now())).full) return
    throw new Error('The step never rests.')
  }
  for (const succeeded of [2, 4, 6, 7]) {
    await dispatch()
    expect(await counters(deps, job)).toContain(`${succeeded} succeeded`)
    await pass(1_100)
  }
})

test('a twin job goes on at its new rate at once, however long its old one would have held it', async () => {
  const jobId = await givenTwinJob(deps, 'pump', { rollout: { maxPerMinute: 1 } })
  await start()
  const step = dispatchTwinUpdates(deps)
  const dispatch = async () => {
    while ((await step.run(clock.now())).full);
  }
  await dispatch()
  expect(await counters(deps, jobId)).toContain('1 succeeded')
  await updateJob(deps, tester, { jobId, rollout: { maxPerMinute: null } })
  await dispatch()
  expect(await counters(deps, jobId)).toContain('7 succeeded')
})

describe('a job with a ramp', () => {
  const rollout = { maxPerMinute: 240, ramp: { from: 1, factor: 10, afterSucceeded: 2 } }
  /** The devices that were called answer, through another instance. */
  const answer = async (status = 200) => {
    const other = await createInstance(deps)
    for (const request of received.splice(0)) other.answer(request, status)
    await other.stop()
    await calm()
    await instance.dispatch()
  }

  test('begins slowly, and calls more at once as soon as enough devices have succeeded', async () => {
    for (const id of ids) attach(id)
    const jobId = await givenMethodJob(deps, 'pump', {}, { rollout })
    await start()
    await instance.dispatch()
    expect(received).toHaveLength(1)
    await answer()
    expect(received).toHaveLength(0)
    await pass(61_000)
    await instance.dispatch()
    expect(received).toHaveLength(1)
    // A device that refuses does not count.
    await answer(500)
    expect((await jobRow(deps, jobId)).maxPerMinute).toBe(1)
    await pass(61_000)
    await instance.dispatch()
    await pass(7_000)
    await answer()
    // A sixth of a minute has not passed since, and ten per minute would make room for another device.
    expect((await jobRow(deps, jobId)).maxPerMinute).toBe(10)
    expect(received).toHaveLength(1)
    await answer()
    await pass(7_000)
    await instance.dispatch()
    await answer()
    expect((await jobRow(deps, jobId)).maxPerMinute).toBe(100)
    expect(await counters(deps, jobId)).toContain('5 succeeded')
  })

  test('patches twins faster when enough are patched', async () => {
    const jobId = await givenTwinJob(deps, 'pump', { rollout })
    await start()
    const step = dispatchTwinUpdates(deps)
    for (const [ms, succeeded, rate] of [
      [0, 1, 1],
      [61_000, 2, 10],
      [7_000, 3, 10],
      [7_000, 4, 100],
    ] as const) {
      await pass(ms)
      while ((await step.run(clock.now())).full);
      expect(await counters(deps, jobId)).toContain(`${succeeded} succeeded`)
      expect((await jobRow(deps, jobId)).maxPerMinute).toBe(rate)
    }
  })

  test('does not rise because devices are skipped', async () => {
    const patched = await givenTwinJob(deps, 'pump')
    await start()
    const step = dispatchTwinUpdates(deps)
    while ((await step.run(clock.now())).full);
    const jobId = await givenTwinJob(deps, 'pump', { rollout, skipCompliant: true })
    await start()
    while ((await step.run(clock.now())).full);
    const { succeededCount } = await jobRow(deps, patched)
    expect(await jobRow(deps, jobId)).toMatchObject({ skippedCount: succeededCount, maxPerMinute: 1 })
  })

  test('can get another ramp, another maximum, and no ramp, also while it runs', async () => {
    const jobId = await givenTwinJob(deps, 'pump', { rollout })
    const rateAfter = async (change: object) => {
      await updateJob(deps, tester, { jobId, rollout: change })
      return (await jobRow(deps, jobId)).maxPerMinute
    }
    await start()
    await deps.database.pool.query(
      'update job set succeeded_count = 2, pending_count = pending_count - 2 where id = $1',
      [jobId],
    )
    expect((await jobRow(deps, jobId)).maxPerMinute).toBe(10)
    expect(await rateAfter({ maxPerMinute: 5 })).toBe(5)
    expect(await rateAfter({ maxPerMinute: 100 })).toBe(10)
    expect(await rateAfter({ ramp: { from: 20, factor: 2, afterSucceeded: 1 } })).toBe(80)
    await expect(rateAfter({ maxPerMinute: null })).rejects.toMatchObject({ path: ['rollout', 'maxPerMinute'] })
    expect(await rateAfter({ ramp: null })).toBe(100)
    expect(await rateAfter({ maxPerMinute: null })).toBeNull()
  })
})
