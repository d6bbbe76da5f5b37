import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createEvents } from '../../src/events/events.ts'
import { findSamples, type KeyedSample, mostSamples } from '../../src/job/store/samples.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { loop } from '../../src/scheduler/loop.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { takeSamples } from '../../src/scheduler/take-samples.ts'
import { answer, dispatch } from '../graphql/facts.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { countedDb } from '../support/counted-db.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob, jobRow } from '../support/rows.ts'

let clock: TestClock
let deps: TestDeps
beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await givenDevices(deps, 'pump', 3)
})
afterAll(() => deps.close())
afterEach(() => deps.database.pool.query('delete from job'))

async function givenRunningJob(maxExecutionTimeInSeconds = 86_400): Promise<string> {
  const jobId = await givenMethodJob(deps, 'pump', {}, { maxExecutionTimeInSeconds })
  await startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
  return jobId
}

async function samplesOf(jobId: string): Promise<KeyedSample[]> {
  const { key } = await jobRow(deps, jobId)
  return findSamples(deps.db, [String(key)], undefined, clock.now())
}

/** The seconds of the samples, from the start of the job, and its counters that change. */
async function courseOf(jobId: string): Promise<number[][]> {
  const samples = await samplesOf(jobId)
  const start = Number(samples[0]?.time)
  return samples.map(({ time, pendingCount, runningCount, succeededCount, refusedCount }) => [
    (Number(time) - start) / 1_000,
    pendingCount,
    runningCount,
    succeededCount,
    refusedCount,
  ])
}

/** Takes samples whenever they are due. */
async function pass(seconds: number, take = takeSamples(deps)): Promise<void> {
  const end = clock.now().getTime() + seconds * 1_000
  for (;;) {
    const { next } = await take.run(clock.now())
    const due = next?.getTime() ?? Number.POSITIVE_INFINITY
    clock.advance(Math.min(due, end) - clock.now().getTime())
    if (due > end) return
  }
}

test('a job has samples from its start to its end, also when nobody watches it', async () => {
  const jobId = await givenRunningJob()
  const [first, second] = ['pump-0001', 'pump-0002'].map((deviceId) => ({ jobId, deviceId }))
  if (first === undefined || second === undefined) throw new Error('no devices')
  await dispatch(deps, first, second)
  await pass(1)
  await answer(deps, { ...first, response: { status: 200, payload: 'null' } })
  await pass(1)
  await answer(deps, { ...second, response: { status: 503, payload: 'null' } })
  clock.advance(500)
  expect(await courseOf(jobId)).toEqual([
    [0, 3, 0, 0, 0],
    [1, 1, 2, 0, 0],
    [2, 1, 1, 1, 0],
    [2.5, 1, 0, 2, 1],
  ])
})

test('a job that is shorter than the interval has its start and its end', async () => {
  const jobId = await givenRunningJob(1)
  clock.advance(1_000)
  await finishJobs(deps).run(clock.now())
  await pass(10)
  expect(await courseOf(jobId)).toEqual([
    [0, 3, 0, 0, 0],
    [1, 0, 0, 0, 0],
  ])
})

test('a sample that was taken while the job ended is not later than the end', async () => {
  const jobId = await givenRunningJob(2)
  await pass(2)
  await finishJobs(deps).run(clock.now())
  await deps.database.pool.query("update job_sample set time = time + interval '5 milliseconds'")
  expect((await courseOf(jobId)).map(([second]) => second)).toEqual([0, 1.005, 2, 2])
})

test('a job that waits or has no devices has no samples', async () => {
  const startTime = new Date(clock.now().getTime() + 60_000)
  const waiting = await givenMethodJob(deps, 'pump', {}, { startTime })
  const empty = await givenMethodJob(deps, 'nothing')
  await startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
  await pass(2)
  expect(await samplesOf(waiting)).toEqual([])
  expect((await jobRow(deps, empty)).status).toBe('completed')
  expect(await samplesOf(empty)).toEqual([])
})

test('a long job has a bounded number of samples, at even intervals that double', async () => {
  const jobId = await givenRunningJob()
  await deps.database.pool.query(
    `insert into job_sample
     select key, second, started_time + second * interval '1 second', 3, 0, 0, 0, 0, 0
     from job, generate_series(1, $1::integer - 2) second`,
    [mostSamples],
  )
  clock.advance((mostSamples - 2) * 1_000)
  const db = countedDb(deps.db)
  const take = takeSamples({ ...deps, db })
  await pass(2, take)
  expect(await samplesOf(jobId)).toHaveLength(mostSamples + 2) // with the start and the present

  db.asked.statements = 0
  await pass(10, take)
  const every2nd = Array.from({ length: mostSamples / 2 + 6 }, (_, index) => index * 2)
  expect((await courseOf(jobId)).map(([second]) => second)).toEqual([...every2nd, mostSamples + 10])
  expect(db.asked.statements).toBeLessThanOrEqual(7)

  clock.advance((mostSamples - 10) * 1_000)
  await pass(8, take)
  const every4th = Array.from({ length: mostSamples / 4 + 3 }, (_, index) => index * 4)
  const rest = [0, 4, 8].map((second) => 2 * mostSamples + second)
  expect((await courseOf(jobId)).map(([second]) => second)).toEqual([...every4th, ...rest, 2 * mostSamples + 8])
})

test('samples go on where they were after a restart, and show no values for the time between', async () => {
  const jobId = await givenRunningJob()
  await pass(2)
  clock.advance(60_500)
  await pass(2, takeSamples(deps))
  expect((await courseOf(jobId)).map(([second]) => second)).toEqual([0, 1, 2, 62.5, 63, 64, 64.5])
})

test('two instances take each sample once', async () => {
  const jobId = await givenRunningJob()
  const instances = [takeSamples(deps), takeSamples({ ...deps, events: createEvents(clock) })]
  for (let second = 0; second < 3; second++) {
    clock.advance(1_000)
    await Promise.all(instances.map((instance) => instance.run(clock.now())))
    clock.advance(10)
    await Promise.all(instances.map((instance) => instance.run(clock.now())))
  }
  expect(await deps.db.prisma.jobSample.count()).toBe(3)
  expect((await courseOf(jobId)).map(([second]) => second)).toEqual([0, 1, 2.01, 3.02, 3.03])
})

test('samples of many jobs are taken by two statements per second at most, and none is left out', async () => {
  const jobIds: string[] = []
  for (let job = 0; job < 8; job++) {
    jobIds.push(await givenRunningJob())
    clock.advance(110)
  }
  const db = countedDb(deps.db)
  const take = takeSamples({ ...deps, db })
  await pass(3, take)
  expect(db.asked.statements).toBe(7)
  const whole = async (jobId: string) => new Set((await courseOf(jobId)).map(([second]) => Math.floor(Number(second))))
  for (const jobId of jobIds) expect(await whole(jobId)).toEqual(new Set([0, 1, 2, 3]))
  // A job that starts wakes the step.
  await pass(0, take)
  await pass(0, take)
  expect(db.asked.statements).toBe(7)
})

test('a hub without a running job sends no statements until one starts', async () => {
  const db = countedDb(deps.db)
  const events = createEvents(clock)
  const stopping = new AbortController()
  const running = loop(takeSamples({ ...deps, db }), { ...deps, events }, stopping.signal)
  await expect.poll(() => db.asked.statements).toBe(1)
  clock.advance(59 * 60_000)
  await new Promise(setImmediate)
  expect(db.asked.statements).toBe(1)

  await givenRunningJob()
  events.publish('work', 'started', {})
  await expect
    .poll(() => {
      clock.advance(100)
      return deps.db.prisma.jobSample.count()
    })
    .toBe(1)
  stopping.abort()
  await running
})
