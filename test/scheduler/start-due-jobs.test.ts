import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { cancelJob } from '../../src/job/commands.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { counters, givenDevices, givenMethodJob, jobRow, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await givenDevices(deps, 'pump', 3)
})
afterAll(() => deps.close())
beforeEach(() => deps.database.pool.query('delete from job'))

const start = (maxRunning = 10) => startDueJobs(deps, { maxRunning }).run(clock.now())

test('a job that is due starts with the devices its condition selects', async () => {
  const id = await givenMethodJob(deps, 'pump')
  await start()
  expect(await counters(deps, id)).toBe('running: 3 pending, 0 running, 0 succeeded, 0 failed, 0 canceled')
})

test('a job in the future stays scheduled, and its time is when the step wants to be called', async () => {
  const startTime = new Date(clock.now().getTime() + 60_000)
  const id = await givenMethodJob(deps, 'pump', {}, { startTime })
  const turn = await start()
  expect((await jobRow(deps, id)).status).toBe('scheduled')
  expect(turn.next).toEqual(startTime)
  clock.advance(60_000)
  await start()
  expect((await jobRow(deps, id)).status).toBe('running')
})

test('devices that come to match after the start do not join', async () => {
  const id = await givenMethodJob(deps, 'late')
  await givenDevices(deps, 'late', 1)
  await start()
  await givenDevices(deps, 'late', 2)
  await start()
  expect((await jobRow(deps, id)).deviceCount).toBe(1)
})

test('a job without devices is completed at once', async () => {
  const id = await givenMethodJob(deps, 'nobody')
  await start()
  const job = await jobRow(deps, id)
  expect(job).toMatchObject({ status: 'completed', deviceCount: 0, endTime: clock.now() })
})

test('beyond the bound jobs are queued, first come first served, and start when there is room', async () => {
  const ids: string[] = []
  for (let count = 0; count < 3; count++) {
    ids.push(await givenMethodJob(deps, 'pump'))
    clock.advance(1)
  }
  const statuses = () => Promise.all(ids.map(async (id) => (await jobRow(deps, id)).status))
  while ((await start(2)).full);
  expect(await statuses()).toEqual(['running', 'running', 'queued'])
  await cancelJob(deps, tester, ids[0] ?? '')
  await start(2)
  expect(await statuses()).toEqual(['cancelled', 'running', 'running'])
})

test('two instances that start jobs at once do not exceed the bound', async () => {
  for (let count = 0; count < 4; count++) await givenMethodJob(deps, 'pump')
  await Promise.all([start(1), start(1), start(1)])
  expect(await deps.db.prisma.job.count({ where: { status: 'running' } })).toBe(1)
})

test('a job that waited for room until its time was up has failed and says why', async () => {
  const first = await givenMethodJob(deps, 'pump', {}, { maxExecutionTimeInSeconds: 3600 })
  clock.advance(1)
  const second = await givenMethodJob(deps, 'pump', {}, { maxExecutionTimeInSeconds: 10 })
  await start(1)
  clock.advance(11_000)
  await start(1)
  await finishJobs(deps).run(clock.now())
  expect((await jobRow(deps, first)).status).toBe('running')
  expect(await jobRow(deps, second)).toMatchObject({ status: 'failed', failureReason: expect.stringContaining('room') })
})

test('a job whose devices cannot be found in time has failed and says why, and the next one has its turn', async () => {
  const slow = await givenMethodJob(deps, 'pump')
  clock.advance(1)
  const next = await givenMethodJob(deps, 'nobody')
  // As PostgreSQL does when a statement has had its time.
  await deps.database.pool.query(
    `create function give_up() returns trigger language plpgsql
       as $$ begin raise exception 'out of time' using errcode = 'query_canceled'; end $$;
     create trigger give_up before insert on device_job for each row execute function give_up()`,
  )
  while ((await start()).full);
  await deps.database.pool.query('drop function give_up cascade')
  expect(await jobRow(deps, slow)).toMatchObject({
    status: 'failed',
    deviceCount: 0,
    failureReason: expect.stringContaining('two minutes'),
  })
  expect((await jobRow(deps, next)).status).toBe('completed')
})

test('a condition that no longer compiles fails the job, not the loop', async () => {
  const id = await givenMethodJob(deps, 'pump')
  await deps.database.pool.query(`update job set query_condition = 'tags.' where id = $1`, [id])
  await start()
  expect(await jobRow(deps, id)).toMatchObject({
    status: 'failed',
    failureReason: expect.stringContaining('condition'),
  })
})
