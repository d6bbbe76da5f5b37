import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createEvents } from '../../src/events/events.ts'
import { cancelJob } from '../../src/job/commands.ts'
import type { By } from '../../src/job/history.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { firstAlone, selectionsAtOnce, startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { counters, givenDevices, givenMethodJob, jobRow, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await givenDevices(deps, 'pump', 3)
  await givenDevices(deps, 'slow', 2)
})
afterAll(() => deps.close())
beforeEach(() => deps.database.pool.query('delete from device_job; delete from job'))

const start = (maxRunning = 10) => startDueJobs(deps, { maxRunning }).run(clock.now())

test('a job that is due starts with the devices its condition selects', async () => {
  const id = await givenMethodJob(deps, 'pump')
  await start()
  expect(await counters(deps, id)).toBe('running: 3 pending, 0 running, 0 succeeded, 0 failed, 0 canceled')
})

test('jobs that are due together are told to the other loops, which sleep', async () => {
  for (const _ of [1, 2])
    await givenMethodJob(deps, 'pump', {}, { startTime: new Date(clock.now().getTime() + 60_000) })
  const step = startDueJobs(deps, { maxRunning: 10 })
  await step.run(clock.now())
  clock.advance(60_000)
  let told = 0
  const stop = deps.events.listen('work', 'jobs')(() => told++)
  await step.run(clock.now())
  stop()
  expect(told).toBe(1)
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

test('a job with more devices than it may have fails, and keeps how many there were', async () => {
  const id = await givenMethodJob(deps, 'pump')
  await deps.database.pool.query('update job set max_devices = 2 where id = $1', [id])
  await start()
  expect(await jobRow(deps, id)).toMatchObject({
    status: 'failed',
    failureReason: '3 devices match; this job is limited to 2.',
    matchedCount: 3,
    deviceCount: 0,
  })
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
  expect(await jobRow(deps, second)).toMatchObject({
    status: 'failed',
    failureReason: expect.stringContaining('became free'),
  })
})

/**
 * Lets the selection of devices called `slow` wait while the work goes on, or until it is stopped. One that may take 20
 * seconds is out of time at once.
 */
async function whileSlow(work: () => Promise<void>): Promise<void> {
  await deps.database.pool.query(
    `create or replace function wait_for_slow() returns trigger language plpgsql
       as $$ begin
         if new.device_id like 'slow-%' then
           if current_setting('statement_timeout') = '20s' then
             raise exception 'out of time' using errcode = 'query_canceled';
           end if;
           perform pg_advisory_xact_lock_shared(4711);
         end if;
         return new;
       end $$;
     create or replace trigger wait_for_slow before insert on device_job for each row execute function wait_for_slow()`,
  )
  const client = await deps.database.pool.connect()
  try {
    await client.query('select pg_advisory_lock(4711)')
    await work()
  } finally {
    await client.query('select pg_advisory_unlock(4711)')
    client.release()
    await deps.database.pool.query('drop function wait_for_slow cascade')
  }
}

/** The number of jobs whose devices are being selected and wait. */
const selections = async (): Promise<number | null> => {
  const { rowCount } = await deps.database.pool.query(
    `select from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and application_name like 'twincast selection %'`,
  )
  return rowCount
}

/** Waits until devices of so many jobs are being selected and wait. */
const selecting = (count: number) => expect.poll(selections).toBe(count)

const statusOf = async (id: string) => (await jobRow(deps, id)).status

/** Another client with the same name. */
const stranger: By = { ...tester, kind: 'person', id: 'https://issuer.example|1', subject: '1' }

test('while the devices of one job are being found others start, by this and by another instance', async () => {
  const slow = await givenMethodJob(deps, 'slow')
  clock.advance(1)
  const quick = [await givenMethodJob(deps, 'pump'), await givenMethodJob(deps, 'nobody')]
  const [here, there] = [startDueJobs(deps, { maxRunning: 10 }), startDueJobs(deps, { maxRunning: 10 })]
  let starting: Promise<unknown> = Promise.resolve()
  await whileSlow(async () => {
    starting = here.run(clock.now())
    await selecting(1)
    clock.advance(firstAlone)
    expect(await here.run(clock.now())).toMatchObject({ done: 1 })
    expect(await there.run(clock.now())).toMatchObject({ done: 1 })
    expect(await Promise.all(quick.map(statusOf))).toEqual(['running', 'completed'])
    expect(await there.run(clock.now())).toMatchObject({ done: 0 })
    expect(await statusOf(slow)).toBe('queued')
  })
  await starting
  expect(await counters(deps, slow)).toBe('running: 2 pending, 0 running, 0 succeeded, 0 failed, 0 canceled')
})

test('a job can be cancelled at once while its devices are being found, and PostgreSQL stops looking', async () => {
  const slow = await givenMethodJob(deps, 'slow')
  await whileSlow(async () => {
    const starting = start()
    await selecting(1)
    await cancelJob(deps, tester, slow)
    expect(await statusOf(slow)).toBe('cancelled')
    clock.advance(1_000) // events about one job keep a distance
    expect(await starting).toMatchObject({ done: 0, full: false })
    await selecting(0)
  })
  expect(await counters(deps, slow)).toBe('cancelled: 0 pending, 0 running, 0 succeeded, 0 failed, 0 canceled')
  expect((await deps.database.pool.query('select from device_job')).rowCount).toBe(0)
})

test('what was found is not kept when the job was cancelled without being noticed, or its connection broke', async () => {
  const [cancelled, broken] = [await givenMethodJob(deps, 'slow'), await givenMethodJob(deps, 'slow')]
  const starting: Promise<unknown>[] = []
  await whileSlow(async () => {
    const instance = startDueJobs({ ...deps, events: createEvents(clock) }, { maxRunning: 10 })
    for (const count of [1, 2]) {
      starting.push(instance.run(clock.now()).catch(() => 'failed'))
      await selecting(count)
      clock.advance(firstAlone)
    }
    await cancelJob(deps, tester, cancelled)
    await deps.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like '%device_job%' and pid in (
         select pid from pg_locks where locktype = 'advisory' and objid = (select key from job where id = '${broken}'))`,
    )
    await selecting(1)
  })
  expect(await Promise.all(starting)).toContain('failed')
  expect(await statusOf(cancelled)).toBe('cancelled')
  while ((await start()).full);
  expect((await deps.database.pool.query('select from device_job')).rowCount).toBe(2)
  expect(await counters(deps, broken)).toBe('running: 2 pending, 0 running, 0 succeeded, 0 failed, 0 canceled')
})

test('when the hub stops, what is being looked for is given up, and the job stays queued', async () => {
  const slow = await givenMethodJob(deps, 'slow')
  const step = startDueJobs(deps, { maxRunning: 10 })
  await whileSlow(async () => {
    const starting = step.run(clock.now())
    await selecting(1)
    step.close()
    expect(await starting).toMatchObject({ done: 0 })
  })
  expect(await statusOf(slow)).toBe('queued')
})

test('the first selection of a policy runs alone for two seconds, because the others may be as heavy', async () => {
  for (let count = 0; count < 2; count++) await givenMethodJob(deps, 'slow')
  const step = startDueJobs(deps, { maxRunning: 10 })
  const starting: Promise<unknown>[] = []
  await whileSlow(async () => {
    starting.push(step.run(clock.now()))
    await selecting(1)
    const end = new Date(clock.now().getTime() + firstAlone)
    expect(await step.run(clock.now())).toEqual({ done: 0, full: false, next: end })
    clock.advance(firstAlone)
    starting.push(step.run(clock.now()))
    await selecting(2)
  })
  await Promise.all(starting)
})

test('once a selection of a policy was light, others wait for none, and those that have waited are looked at', async () => {
  const slow = [await givenMethodJob(deps, 'slow'), await givenMethodJob(deps, 'slow')]
  const step = startDueJobs(deps, { maxRunning: 10 })
  let starting: Promise<unknown> = Promise.resolve()
  let told = 0
  let stop = () => {}
  await whileSlow(async () => {
    starting = step.run(clock.now())
    await selecting(1)
    expect(await step.run(clock.now())).toMatchObject({ done: 0 })
    stop = deps.events.listen('work', 'jobs')(() => told++)
  })
  expect(await starting).toMatchObject({ done: 1 })
  stop()
  expect(told).toBe(1)
  slow.push(await givenMethodJob(deps, 'slow'))
  let both: Promise<unknown>[] = []
  await whileSlow(async () => {
    both = [step.run(clock.now()), step.run(clock.now())]
    await selecting(2)
  })
  await Promise.all(both)
  expect(await Promise.all(slow.map(statusOf))).toEqual(slow.map(() => 'running'))
})

test('one policy leaves a place to others, however many slow jobs it has', async () => {
  for (let count = 0; count < 5; count++) await givenMethodJob(deps, 'slow')
  clock.advance(1)
  const other = await givenMethodJob(deps, 'pump', {}, {}, stranger)
  const step = startDueJobs(deps, { maxRunning: 10 })
  const starting: Promise<unknown>[] = []
  await whileSlow(async () => {
    starting.push(step.run(clock.now()))
    await selecting(1)
    expect(await step.run(clock.now())).toMatchObject({ done: 1 })
    expect(await statusOf(other)).toBe('running')
    for (const count of [2, 3]) {
      clock.advance(firstAlone)
      starting.push(step.run(clock.now()))
      await selecting(count)
    }
    clock.advance(firstAlone)
    expect(await step.run(clock.now())).toMatchObject({ done: 0 })
  })
  await Promise.all(starting)
})

test('slow jobs do not delay the other jobs of their policy, and start when they have the time', async () => {
  const slow: string[] = []
  for (let count = 0; count < 6; count++) slow.push(await givenMethodJob(deps, 'slow'))
  clock.advance(1)
  const quick = await givenMethodJob(deps, 'pump')
  const limited = { ...deps, limits: { ...deps.limits, jobSelectionMs: 600_000 } }
  const step = startDueJobs(limited, { maxRunning: 10 })
  const starting: Promise<unknown>[] = []
  await whileSlow(async () => {
    for (let count = 1; count <= 2; count++) {
      starting.push(step.run(clock.now()))
      await selecting(count)
      clock.advance(firstAlone)
    }
    const inLastPlace = async () => {
      while ((await step.run(clock.now())).full);
    }
    starting.push(inLastPlace())
    await expect.poll(async () => (await statusOf(quick)) !== 'queued' || (await selections()) === 3).toBe(true)
    expect(await statusOf(quick)).toBe('running')
    expect(await Promise.all(slow.map(statusOf))).toEqual(slow.map(() => 'queued'))
  })
  await Promise.all(starting)
  while ((await step.run(clock.now())).full);
  expect(await Promise.all(slow.map(statusOf))).toEqual(slow.map(() => 'running'))
})

test('jobs of a policy whose selection took too long come behind those of others', async () => {
  const limited = { ...deps, limits: { ...deps.limits, jobSelectionMs: 50 } }
  const step = startDueJobs(limited, { maxRunning: 10 })
  const slow = await givenMethodJob(deps, 'slow')
  await whileSlow(async () => {
    await step.run(clock.now())
  })
  expect(await jobRow(deps, slow)).toMatchObject({
    status: 'failed',
    deviceCount: 0,
    failureReason: expect.stringContaining('Selecting the devices took more than 0.05 seconds'),
  })
  const next = await givenMethodJob(deps, 'pump')
  clock.advance(1)
  const other = await givenMethodJob(deps, 'pump', {}, {}, stranger)
  await step.run(clock.now())
  expect(await Promise.all([next, other].map(statusOf))).toEqual(['queued', 'running'])
  await step.run(clock.now())
  expect(await statusOf(next)).toBe('running')
})

test('the devices of a job may be looked for as long as the limit says, not as long as other statements may take', async () => {
  const limited = { ...deps, limits: { ...deps.limits, jobSelectionMs: 45_000 } }
  const id = await givenMethodJob(deps, 'pump')
  await deps.database.pool.query(
    `create table noted (timeout text);
     create function note_timeout() returns trigger language plpgsql
       as $$ begin insert into noted values (current_setting('statement_timeout')); return new; end $$;
     create trigger note_timeout before insert on device_job for each row execute function note_timeout()`,
  )
  await startDueJobs(limited, { maxRunning: 10 }).run(clock.now())
  const { rows } = await deps.database.pool.query('select distinct timeout from noted')
  await deps.database.pool.query('drop function note_timeout cascade; drop table noted')
  expect(rows).toEqual([{ timeout: '45s' }])
  expect(await statusOf(id)).toBe('running')
})

test('half of the connections stay free for what else the scheduler does', () => {
  const of = (jobSelections: number, databaseConnections: number) =>
    selectionsAtOnce({ jobSelections, databaseConnections })
  expect([of(4, 8), of(4, 20), of(4, 5), of(4, 1)]).toEqual([4, 4, 2, 1])
})

test('several that start jobs at once look for no more devices than there is room for', async () => {
  for (let count = 0; count < 4; count++) await givenMethodJob(deps, 'slow')
  let starting: Promise<unknown>[] = []
  await whileSlow(async () => {
    starting = [start(2), start(2), start(2), start(2)]
    await selecting(2)
  })
  await Promise.all(starting)
  expect(await deps.db.prisma.job.count({ where: { status: 'running' } })).toBe(2)
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
    failureReason: expect.stringContaining('more than 60 seconds'),
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

test('after long selections a policy rests for a while, and the jobs of others start meanwhile', async () => {
  const jobs: string[] = []
  for (let count = 0; count < 2; count++) {
    jobs.push(await givenMethodJob(deps, 'pump'))
    clock.advance(1)
  }
  const other = await givenMethodJob(deps, 'pump', {}, {}, stranger)
  // Selections take as long as this.
  let ms = 1_000
  const log = Object.assign(pino({ level: 'silent' }), { info: () => clock.advance(ms) })
  const step = startDueJobs({ ...deps, log, limits: { ...deps.limits, heavyWork: 500 } }, { maxRunning: 10 })
  expect(await step.run(clock.now())).toMatchObject({ done: 1, full: true })
  ms = 0
  expect(await step.run(clock.now())).toMatchObject({ done: 1, full: true })
  expect(await Promise.all([...jobs, other].map(statusOf))).toEqual(['running', 'queued', 'running'])
  const end = new Date(clock.now().getTime() + 1_000)
  expect(await step.run(clock.now())).toEqual({ done: 0, full: false, next: end })
  clock.advance(1_000)
  expect(await step.run(clock.now())).toMatchObject({ done: 1 })
  expect(await Promise.all(jobs.map(statusOf))).toEqual(['running', 'running'])
})
