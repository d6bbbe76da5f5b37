import { afterAll, beforeAll, expect, test } from 'vitest'
import { LimitExceededError } from '../../../src/errors.ts'
import { findFailureTally } from '../../../src/graphql/job/failure-count-cache.ts'
import { mostGroups } from '../../../src/job/failure-groups.ts'
import { finishJobs } from '../../../src/job/store/transitions.ts'
import { everything } from '../../../src/scope.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { givenDevices, givenMethodJob, jobRow } from '../../support/rows.ts'
import { answer, countStatements, dispatch, start } from '../facts.ts'

let clock: TestClock
let deps: TestDeps
let deviceIds: string[]
beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  deviceIds = await givenDevices(deps, 'pump', 12)
})
afterAll(() => deps.close())

const timeout = { code: 'GatewayTimeout', description: 'The call was sent, but the device did not answer in time.' }

/** A job with all calls but those of the last two devices under way. */
async function givenCalls(jobId: string): Promise<string> {
  await givenMethodJob(deps, 'pump', {}, { jobId, maxExecutionTimeInSeconds: 60 })
  await start(deps, jobId)
  await dispatch(deps, ...deviceIds.slice(0, 10).map((deviceId) => ({ jobId, deviceId })))
  return jobId
}
const fail = (jobId: string, ...numbers: number[]) =>
  answer(deps, ...numbers.map((number) => ({ jobId, deviceId: `pump-000${number}`, error: timeout })))
const respond = (jobId: string, number: number, status: number) =>
  answer(deps, { jobId, deviceId: `pump-000${number}`, response: { status, payload: 'null' } })
const timeUp = async () => {
  const now = new Date(clock.now().getTime() + 61_000)
  while ((await deps.db.transaction((tx) => finishJobs(tx, now))).length > 0);
}

/** The job as the fields of GraphQL read it. */
async function jobNow(jobId: string) {
  const { key, version, endTime } = await jobRow(deps, jobId)
  return { key: String(key), version, endTime }
}

/** As this process has followed it, or as one that has just started finds it. */
const tallyOf = async (jobId: string, { db } = deps) =>
  await findFailureTally({ db, clock }, everything, await jobNow(jobId))
const tallyAnew = (jobId: string) => tallyOf(jobId, { ...deps, db: { ...deps.db } })
const countsOf = async (jobId: string) => (await tallyOf(jobId)).groups.map(({ count }) => count)

test('a process that follows a job knows the same as one that has just started, to the end', async () => {
  const jobId = await givenCalls('followed')
  const steps = [
    () => fail(jobId, 3, 1),
    () => respond(jobId, 2, 500),
    () => respond(jobId, 4, 200),
    () => fail(jobId, 5),
    () => respond(jobId, 6, 500),
    timeUp,
  ]
  expect(await tallyOf(jobId)).toEqual(await tallyAnew(jobId))
  for (const step of steps) {
    await step()
    expect(await tallyOf(jobId)).toEqual(await tallyAnew(jobId))
  }
  const { isFinal, groups } = await tallyOf(jobId)
  expect(isFinal).toBe(true)
  expect(groups.map(({ code, count }) => [code, count])).toEqual([
    ['JobRunPreconditionFailed', 4],
    ['GatewayTimeout', 3],
    ['DeviceResponse', 2],
    ['JobRunPreconditionFailed', 2],
  ])
})

test('an outcome is read once', async () => {
  const jobId = await givenCalls('once')
  await fail(jobId, 1, 2)
  expect(await countsOf(jobId)).toEqual([2])
  await deps.database.pool.query(
    'delete from device_job_outcome o using job where o.job_key = job.key and job.id = $1',
    [jobId],
  )
  await fail(jobId, 3)
  expect(await countsOf(jobId)).toEqual([3])
})

test('nothing is read while nothing has changed, and never after the end', async () => {
  const jobId = await givenCalls('quiet')
  await fail(jobId, 1)
  const running = await jobNow(jobId)
  await findFailureTally(deps, everything, running)
  expect(await countStatements(() => findFailureTally(deps, everything, running))).toBe(0)
  await timeUp()
  const ended = await jobNow(jobId)
  await findFailureTally(deps, everything, ended)
  expect(await countStatements(() => findFailureTally(deps, everything, ended))).toBe(0)
})

test('those who ask together cause one read, of one job or several', async () => {
  const ids = [await givenCalls('together'), await givenCalls('together-too')]
  const jobs = await Promise.all([...ids, ...ids].map(jobNow))
  const ask = () => Promise.all(jobs.map((job) => findFailureTally(deps, everything, job)))
  expect(await countStatements(ask)).toBe(1)
})

test('a job under the name of one that was deleted starts anew', async () => {
  const jobId = await givenCalls('again')
  await fail(jobId, 1)
  expect(await countsOf(jobId)).toEqual([1])
  await deps.database.pool.query('delete from job where id = $1', [jobId])
  await givenCalls(jobId)
  expect(await countsOf(jobId)).toEqual([])
})

test('with more groups than are kept, all are counted again at the end', async () => {
  const jobId = await givenCalls('varied')
  const write = (from: number, to: number) =>
    deps.database.pool.query(
      `with varied as (
         update job set version = version + 1, end_time = case when $3 > 1000 then now() end,
                        status = case when $3 > 1000 then 'completed' else status end,
                        device_count = $3, pending_count = 0, running_count = 0, succeeded_count = $3
         where id = $1 returning key, version
       )
       insert into device_job_outcome (job_key, device_id, ended_time, response_status, version)
       select key, 'varied-' || n, now(), case when n > 1000 then 400 + n - 1000 else 400 + n end, version
       from varied, generate_series($2::integer, $3::integer) n`,
      [jobId, from, to],
    )
  await write(1, mostGroups + 50)
  expect((await tallyOf(jobId)).groups).toHaveLength(mostGroups)
  await write(1001, 1001 + mostGroups + 49)
  expect(await tallyOf(jobId)).toEqual(await tallyAnew(jobId))
  expect((await tallyOf(jobId)).groups.every(({ count }) => count === 2)).toBe(true)
})

test('without time to read, a job that goes on is as it was known; the end has to be waited for', async () => {
  const jobId = await givenCalls('hurried')
  await fail(jobId, 1)
  let busy = false
  const db: typeof deps.db = {
    ...deps.db,
    boundedRead: async (...read) => (busy ? undefined : await deps.db.boundedRead(...read)),
  }
  const counts = async () => (await tallyOf(jobId, { ...deps, db })).groups.map(({ count }) => count)
  busy = true
  await expect(counts()).rejects.toThrow(LimitExceededError)
  busy = false
  expect(await counts()).toEqual([1])
  busy = true
  await fail(jobId, 2)
  expect(await counts()).toEqual([1])
  await timeUp()
  await expect(counts()).rejects.toThrow(LimitExceededError)
  busy = false
  expect(await counts()).toEqual([8, 2, 2])
})
