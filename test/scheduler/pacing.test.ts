import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readRequestKey } from '../../src/job/store/jobs.ts'
import { dispatchMethodCalls } from '../../src/scheduler/dispatch-method-calls.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { createInFlightCalls } from '../../src/scheduler/in-flight-calls.ts'
import type { Step } from '../../src/scheduler/loop.ts'
import { createOrphanCandidates } from '../../src/scheduler/orphan-candidates.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { unlimited } from '../../src/throttle/presets.ts'
import { createThrottles } from '../../src/throttle/throttles.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob, givenPresent, givenTwinJob, jobRow } from '../support/rows.ts'

// Job device operations at ten a second, as in a hub of the tier S1.

let base: TestDeps
let deps: TestDeps
let clock: TestClock
let ids: string[]

beforeAll(async () => {
  clock = createTestClock()
  base = await createTestDeps(clock)
  ids = await givenDevices(base, 'pump', 45)
  await givenPresent(base, ids)
})
afterAll(() => base.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job']) {
    await base.database.pool.query(`delete from ${table}`)
  }
  const limits = { ...unlimited, jobDeviceOperations: { amount: 10, seconds: 1 } }
  deps = { ...base, throttles: createThrottles(clock, limits) }
})

const startJobs = async (): Promise<void> => {
  while ((await startDueJobs(deps, { maxRunning: 10 }).run(clock.now())).full);
}

/** Runs a step as its loop would, for so long; answers `count` after each of its rests, with the time. */
async function follow(step: Step, ms: number, count: () => Promise<number> | number): Promise<[number, number][]> {
  const start = clock.now().getTime()
  const seen: [number, number][] = []
  for (;;) {
    const { full, next } = await step.run(clock.now())
    if (full) continue
    seen.push([clock.now().getTime() - start, await count()])
    const pause = next === undefined ? step.every : next.getTime() - clock.now().getTime()
    if (clock.now().getTime() - start + pause > ms) return seen
    clock.advance(pause)
  }
}

/** At no time more than ten at once and ten a second, and yet never idle for long. */
function expectPace(seen: readonly [number, number][], total: number): void {
  for (const [ms, count] of seen) {
    expect(count).toBeLessThanOrEqual(10 + ms / 100)
    expect(count).toBeGreaterThanOrEqual(Math.min(total, 10 + Math.floor(ms / 300) * 3))
  }
  expect(seen.at(-1)?.[1]).toBe(total)
  expect(seen.length).toBeGreaterThan(10)
}

test('a twin job over 45 devices takes 3.6 seconds, and no device of it fails', async () => {
  const job = await givenTwinJob(deps, 'pump')
  await startJobs()
  const seen = await follow(dispatchTwinUpdates(deps), 3_600, async () => (await jobRow(deps, job)).succeededCount)
  expectPace(seen, 45)
})

test('so does a method job, however wide the window is', async () => {
  const called: string[] = []
  const detach = ids.map((id) => deps.attached.attach(id, ({ deviceId }) => called.push(deviceId)))
  await givenMethodJob(deps, 'pump')
  await startJobs()
  const window = createInFlightCalls(2_000, () => {})
  const step = dispatchMethodCalls(deps, {
    requestKey: await readRequestKey(deps.db),
    window,
    orphans: createOrphanCandidates(),
  })
  const seen = await follow(step, 3_600, () => called.length)
  step.close()
  for (const end of detach) end()
  expectPace(seen, 45)
  expect(new Set(called).size).toBe(45)
})

test('two twin jobs share the pace: neither waits for the other to end', async () => {
  const jobs = [await givenTwinJob(deps, 'pump'), await givenTwinJob(deps, 'pump')]
  await startJobs()
  await follow(dispatchTwinUpdates(deps), 3_000, () => 0)
  const done = await Promise.all(jobs.map(async (job) => (await jobRow(deps, job)).succeededCount))
  expect(done.reduce((sum, count) => sum + count, 0)).toBe(40)
  expect(Math.min(...done)).toBeGreaterThanOrEqual(15)
})

test('devices that were called by an earlier process do not hold the others up', async () => {
  const called: string[] = []
  const attach = (id: string) => deps.attached.attach(id, ({ deviceId }) => called.push(deviceId))
  await givenMethodJob(deps, 'pump')
  await startJobs()
  const requestKey = await readRequestKey(deps.db)
  const detach = ids.slice(0, 40).map(attach)
  const before = dispatchMethodCalls(
    { ...deps, throttles: base.throttles },
    { requestKey, window: createInFlightCalls(2_000, () => {}), orphans: createOrphanCandidates() },
  )
  while ((await before.run(clock.now())).full);
  before.close()
  expect(called).toHaveLength(40)
  detach.push(...ids.slice(40).map(attach))
  const after = dispatchMethodCalls(deps, {
    requestKey,
    window: createInFlightCalls(2_000, () => {}),
    orphans: createOrphanCandidates(),
  })
  while ((await after.run(clock.now())).full);
  after.close()
  for (const end of detach) end()
  expect(called.slice(40)).toEqual(ids.slice(40))
})
