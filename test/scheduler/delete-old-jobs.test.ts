import { sqltag as sql } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { retryJob } from '../../src/job/commands.ts'
import { deleteOldJobs } from '../../src/scheduler/delete-old-jobs.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { takeSamples } from '../../src/scheduler/take-samples.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob, tester } from '../support/rows.ts'

const day = 86_400_000
let deps: TestDeps
let clock: TestClock

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await givenDevices(deps, 'pump', 2)
})
afterAll(() => deps.close())

/** A job that has ended, and nobody answered. */
async function givenEndedJob(): Promise<string> {
  const jobId = await givenMethodJob(deps, 'pump', {}, { maxExecutionTimeInSeconds: 1 })
  while ((await startDueJobs(deps, { maxRunning: 10 }).run(clock.now())).full);
  clock.advance(1_000)
  await takeSamples(deps).run(clock.now())
  await finishJobs(deps).run(clock.now())
  return jobId
}

test('jobs that ended longer ago than the retention are deleted with all their facts, others are not', async () => {
  const old = await givenEndedJob()
  clock.advance(30 * day)
  await deleteOldJobs(deps, { historyDays: 30 }).run(clock.now())
  expect(await deps.db.prisma.job.count({ where: { id: old } })).toBe(1)
  expect(await deps.db.prisma.jobSample.count()).toBe(1)

  const open = await givenMethodJob(deps, 'pump')
  clock.advance(1)
  await deleteOldJobs(deps, { historyDays: 30 }).run(clock.now())
  expect(await deps.db.prisma.job.findMany({ select: { id: true } })).toEqual([{ id: open }])
  expect(await deps.db.prisma.deviceJob.count()).toBe(0)
  expect(await deps.db.prisma.jobSample.count()).toBe(0)
})

test('a retry that is made while old jobs are looked for keeps its job', async () => {
  const { pool } = deps.database
  const jobId = await givenEndedJob()
  clock.advance(31 * day)
  // The jobs as a view on which the statement that deletes stands still between its snapshot and its locks.
  await pool.query(`
    create function stand_still() returns boolean language plpgsql as $$ begin
      if current_setting('test.stands_still', true) = 'yes' then perform pg_advisory_xact_lock_shared(4711); end if;
      return true;
    end $$;
    alter table job rename to job_row;
    create view job as select * from job_row where stand_still()`)
  const { db } = deps
  const transaction: typeof db.transaction = (work) =>
    db.transaction(async (tx) => {
      await tx.query(sql`set local test.stands_still = 'yes'`)
      return work(tx)
    })
  const holder = await pool.connect()
  await holder.query('select pg_advisory_lock(4711)')
  const deleted = deleteOldJobs({ ...deps, db: { ...db, transaction } }, { historyDays: 30 }).run(clock.now())
  const waits = `select from pg_locks where locktype = 'advisory' and not granted
                 and database = (select oid from pg_database where datname = current_database())`
  await expect.poll(async () => (await pool.query(waits)).rowCount).toBe(1)
  const retry = await retryJob(deps, tester, { jobId }).finally(() => holder.release(true))
  expect((await deleted).done).toBe(0)
  expect(await deps.db.prisma.job.count({ where: { id: { in: [jobId, retry] } } })).toBe(2)
})
