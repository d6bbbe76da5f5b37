import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ConflictError, InvalidInputError } from '../../src/errors.ts'
import { cancelJob, pauseJob, updateJob } from '../../src/job/commands.ts'
import { findHistories } from '../../src/job/store/history.ts'
import type { JobUpdateInput } from '../../src/job/update.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob, jobRow, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock
const second = 1_000
beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await givenDevices(deps, 'pump', 2)
})
afterAll(() => deps.close())
beforeEach(() => deps.database.pool.query('delete from job'))

/** The error with which a promise is rejected. */
const refusal = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'not refused',
    (error: unknown) => error,
  )

const given = () =>
  givenMethodJob(
    deps,
    'pump',
    {},
    { name: 'Night', labels: [{ name: 'team', value: 'north' }], maxExecutionTimeInSeconds: 100 },
  )
const update = (jobId: string, change: Omit<JobUpdateInput, 'jobId'>) => updateJob(deps, tester, { jobId, ...change })
const start = () => startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
const finish = () => finishJobs(deps).run(clock.now())
const historyOf = async (jobId: string) => findHistories(deps.db, [String((await jobRow(deps, jobId)).key)])

describe('a change of a job', () => {
  test('concerns the given members only; null takes away', async () => {
    const jobId = await given()
    await update(jobId, { description: 'See OPS-7.', reason: 'asked for' })
    expect(await jobRow(deps, jobId)).toMatchObject({
      status: 'queued',
      name: 'Night',
      description: 'See OPS-7.',
      labels: { team: 'north' },
      maxExecutionTimeSeconds: 100,
      version: 2,
    })
    await update(jobId, { name: null, labels: null })
    expect(await jobRow(deps, jobId)).toMatchObject({ name: null, description: 'See OPS-7.', labels: null })
    expect((await historyOf(jobId)).slice(1)).toMatchObject([
      {
        type: 'updated',
        status: 'queued',
        cause: 'user',
        actor: 'tester',
        reason: 'asked for',
        changed: ['description'],
      },
      { type: 'updated', version: 3, reason: null, changed: ['name', 'labels'] },
    ])
  })

  test('moves the deadline, also while the job is paused, and the job ends then', async () => {
    const jobId = await given()
    await start()
    await pauseJob(deps, tester, jobId)
    await update(jobId, { extendBySeconds: 50 })
    expect((await jobRow(deps, jobId)).maxExecutionTimeSeconds).toBe(150)
    clock.advance(149 * second)
    await finish()
    expect((await jobRow(deps, jobId)).status).toBe('paused')
    await update(jobId, { maxExecutionTimeInSeconds: 200 })
    clock.advance(50 * second)
    await finish()
    expect((await jobRow(deps, jobId)).status).toBe('paused')
    clock.advance(1 * second)
    await finish()
    expect((await jobRow(deps, jobId)).status).toBe('completed')
  })

  test.each([
    ['a shorter time', {}],
    ['a shorter time and a limit', { rollout: { maxPerMinute: 60 } }],
  ])('to %s wakes what ends jobs', async (_what, limits) => {
    const jobId = await given()
    await start()
    let woken = 0
    const stop = deps.events.listen('work', 'jobs')(() => woken++)
    await update(jobId, { maxExecutionTimeInSeconds: 10, ...limits })
    stop()
    expect(woken).toBe(1)
    const { next } = await finish()
    expect(next).toEqual(new Date(clock.now().getTime() + 10 * second))
  })

  test.each<[string, Omit<JobUpdateInput, 'jobId'>, string]>([
    ['nothing', {}, ''],
    ['a reason only', { reason: 'why' }, ''],
    ['an empty name', { name: '' }, 'name'],
    ['a label twice', { labels: Array(2).fill({ name: 'a', value: '' }) }, 'labels/1/name'],
    ['no time', { maxExecutionTimeInSeconds: 0 }, 'maxExecutionTimeInSeconds'],
    ['null as time', { maxExecutionTimeInSeconds: null }, 'maxExecutionTimeInSeconds'],
    ['more than 30 days', { maxExecutionTimeInSeconds: 2_592_001 }, 'maxExecutionTimeInSeconds'],
    ['a time that has passed', { maxExecutionTimeInSeconds: 5 }, 'maxExecutionTimeInSeconds'],
    ['an extension to more than 30 days', { extendBySeconds: 2_592_000 }, 'extendBySeconds'],
    ['an extension by 0', { extendBySeconds: 0 }, 'extendBySeconds'],
    ['a rate of 0', { rollout: { maxPerMinute: 0 } }, 'rollout/maxPerMinute'],
    ['both times', { extendBySeconds: 1, maxExecutionTimeInSeconds: 200 }, 'extendBySeconds'],
    ['a reason that is too long', { name: 'a', reason: 'x'.repeat(1_025) }, 'reason'],
  ])('by %s is refused and changes nothing', async (_what, change, path) => {
    const jobId = await given()
    clock.advance(5 * second)
    const before = await jobRow(deps, jobId)
    const refused = await refusal(update(jobId, change))
    expect(refused).toBeInstanceOf(InvalidInputError)
    expect(Object(refused).path.join('/')).toBe(path)
    expect(await jobRow(deps, jobId)).toEqual(before)
  })

  test('by a time that is up before its window opens for the first time is refused', async () => {
    const hour = 60 * 60
    const opens = new Date(clock.now().getTime() + 2 * hour * second).toISOString().slice(11, 16)
    const closes = new Date(clock.now().getTime() + 4 * hour * second).toISOString().slice(11, 16)
    const window = { from: opens, to: closes, timeZone: 'UTC' }
    const jobId = await givenMethodJob(deps, 'pump', {}, { maxExecutionTimeInSeconds: 8 * hour, rollout: { window } })
    const path = ['maxExecutionTimeInSeconds']
    await expect(update(jobId, { maxExecutionTimeInSeconds: hour })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      path,
      message: expect.stringMatching(/before its window is opened at .+Z\. Give more than \d+ seconds\.$/),
    })
    await update(jobId, { maxExecutionTimeInSeconds: 3 * hour })
    expect((await jobRow(deps, jobId)).maxExecutionTimeSeconds).toBe(3 * hour)
  })

  test('to the same deadline for many jobs ends a bounded number of them at a time, until all have ended', async () => {
    const jobIds: string[] = []
    for (let count = 0; count < 11; count++) jobIds.push(await given())
    clock.advance(100 * second)
    expect(await finish()).toMatchObject({ done: 10, full: true })
    expect(await finish()).toMatchObject({ done: 1, full: false })
    for (const jobId of jobIds) expect((await jobRow(deps, jobId)).endTime).toEqual(clock.now())
  })

  test('is refused for a job that is unknown, cancelled or has ended, or whose history is full', async () => {
    await expect(update('unknown', { name: 'a' })).rejects.toThrow('unknown')
    const cancelled = await given()
    await cancelJob(deps, tester, cancelled)
    expect(await refusal(update(cancelled, { name: 'a' }))).toBeInstanceOf(ConflictError)
    const ended = await given()
    await start()
    clock.advance(100 * second)
    await finish()
    expect(await refusal(update(ended, { extendBySeconds: 100 }))).toMatchObject({
      message: `Job "${ended}" is completed, so it can no longer be changed.`,
    })
    const full = await given()
    await deps.database.pool.query(
      `insert into job_event (job_key, version, time, type, status, cause)
       select key, 1000 + place, now(), 'updated', 'queued', 'user' from job, generate_series(1, 999) place
       where id = $1`,
      [full],
    )
    await expect(update(full, { name: 'a' })).rejects.toThrow('full')
  })
})
