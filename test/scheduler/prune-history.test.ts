import { afterAll, beforeAll, expect, test } from 'vitest'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { pruneHistory } from '../../src/scheduler/prune-history.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob } from '../support/rows.ts'

const DAY = 86_400_000
let deps: TestDeps
let clock: TestClock

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())

test('jobs that ended longer ago than the retention are deleted with all their facts, others are not', async () => {
  await givenDevices(deps, 'pump', 2)
  const old = await givenMethodJob(deps, 'pump', {}, { maxExecutionTimeInSeconds: 1 })
  await startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
  clock.advance(1_000)
  await finishJobs(deps).run(clock.now())
  clock.advance(30 * DAY)
  await pruneHistory(deps, { historyDays: 30 }).run(clock.now())
  expect(await deps.db.prisma.job.count({ where: { id: old } })).toBe(1)

  const open = await givenMethodJob(deps, 'pump')
  clock.advance(1)
  await pruneHistory(deps, { historyDays: 30 }).run(clock.now())
  expect(await deps.db.prisma.job.findMany({ select: { id: true } })).toEqual([{ id: open }])
  expect(await deps.db.prisma.deviceJob.count()).toBe(0)
})
