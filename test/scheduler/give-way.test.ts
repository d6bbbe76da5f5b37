import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { approveJob } from '../../src/job/approval-commands.ts'
import { cancelJob, pauseJob, resumeJob, retryJob } from '../../src/job/commands.ts'
import { cancelDeviceJobs } from '../../src/job/device-job-commands.ts'
import type { JobRequestInput } from '../../src/job/request.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { joinDevices } from '../../src/scheduler/join-devices.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { answer, countStatements, dispatch } from '../graphql/facts.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { byPolicy, givenDevices, givenMethodJob, givenTwinJob, jobRow, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await givenDevices(deps, 'pump', 3)
  await givenDevices(deps, 'valve', 2)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job_window', 'job_event', 'job']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
  clock.advance(1)
})

/** The step of an instance that has just been started: it knows nothing but the rows. */
const run = async (maxRunning = 10) => {
  const step = startDueJobs(deps, { maxRunning })
  while ((await step.run(clock.now())).full);
}
const finish = () => finishJobs(deps).run(clock.now())
const statusOf = async (id: string) => (await jobRow(deps, id)).status
const devicesOf = async (id: string) => {
  const { rows } = await deps.database.pool.query('select from device_job join job on key = job_key where id = $1', [
    id,
  ])
  return rows.length
}
const eventsOf = async (id: string) => {
  const { rows } = await deps.database.pool.query(
    `select event.type, event.status, event.cause, event.reason from job_event event join job on key = job_key
     where id = $1 order by event.version`,
    [id],
  )
  return rows.map(({ type, status, cause, reason }) => `${type} ${status} ${cause} ${reason ?? ''}`.trim())
}

const parallel = (jobId: string, fleet = 'pump', request: Partial<JobRequestInput> = {}) =>
  givenMethodJob(deps, fleet, {}, { jobId, ...request })
const queue = (jobId: string, fleet = 'pump', request: Partial<JobRequestInput> = {}) =>
  parallel(jobId, fleet, { onOverlap: 'queue', ...request })
const refuse = (jobId: string, fleet = 'pump', request: Partial<JobRequestInput> = {}) =>
  parallel(jobId, fleet, { onOverlap: 'refuse', ...request })

/** How often devices of a job are selected meanwhile. */
async function selectionsDuring(work: () => Promise<unknown>): Promise<number> {
  const query = vi.spyOn(pg.Client.prototype, 'query')
  await work()
  const selections = query.mock.calls.filter(([statement]) =>
    JSON.stringify(statement).includes('insert into device_job '),
  )
  query.mockRestore()
  return selections.length
}

const waitingForLock = `
  select from pg_locks
  where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())`

const key = (jobId: string, number: number) => ({ jobId, deviceId: `pump-000${number}` })
const done = (jobId: string, number: number) => ({ ...key(jobId, number), response: { status: 200, payload: 'null' } })

describe('a job that queues', () => {
  test('waits for a started job with some of its devices, and starts when that has ended', async () => {
    await parallel('first')
    await run()
    await queue('second', 'pump', { queryCondition: "deviceId = 'pump-0002'" })
    await run()
    expect(await jobRow(deps, 'second')).toMatchObject({ status: 'queued', startedTime: null, deviceCount: 0 })
    expect(await devicesOf('second')).toBe(0)
    await cancelJob(deps, tester, 'first')
    await run()
    expect(await jobRow(deps, 'second')).toMatchObject({ status: 'running', deviceCount: 1, waitsForKey: null })
    expect(await eventsOf('second')).toEqual([
      'scheduled queued user',
      'waiting queued hub Job "first" has some of the same devices, and has not ended.',
      'started running schedule',
    ])
  })

  test('starts at once next to jobs with other devices, and next to those that have not started', async () => {
    await parallel('elsewhere', 'valve')
    await parallel('later', 'pump', { startTime: new Date(clock.now().getTime() + 60_000) })
    await run()
    await queue('second')
    await run()
    expect(await statusOf('second')).toBe('running')
  })

  test('does not look at devices whose device job has ended, but at those of a cancelled job with a call in progress', async () => {
    await parallel('first')
    await run()
    await dispatch(deps, key('first', 1), key('first', 2))
    await answer(deps, done('first', 1))
    const ofDevice = (number: number) => ({ queryCondition: `deviceId = 'pump-000${number}'` })
    await queue('ended', 'pump', ofDevice(1))
    await cancelJob(deps, tester, 'first')
    await queue('called', 'pump', ofDevice(2))
    await queue('not-called', 'pump', ofDevice(3))
    await run()
    expect(await Promise.all(['ended', 'called', 'not-called'].map(statusOf))).toEqual(['running', 'queued', 'running'])
    await answer(deps, done('first', 2))
    await finish()
    await run()
    expect(await statusOf('called')).toBe('running')
  })

  test('does not look at devices that a client has cancelled in the other job', async () => {
    await parallel('first')
    await run()
    await cancelDeviceJobs(deps, tester, { jobId: 'first', deviceId: 'pump-0001' })
    await queue('second', 'pump', { queryCondition: "deviceId = 'pump-0001'" })
    await run()
    expect(await statusOf('second')).toBe('running')
  })

  test('finds a common device whichever of the two jobs is the larger', async () => {
    await parallel('small', 'pump', { queryCondition: "deviceId = 'pump-0003'" })
    await run()
    await queue('large', 'pump', { queryCondition: '*' })
    await queue('as-small', 'pump', { queryCondition: "deviceId = 'pump-0003'" })
    await run()
    expect([await statusOf('large'), await statusOf('as-small')]).toEqual(['queued', 'queued'])
  })

  test('waits for one job after another, which is one event of its history', async () => {
    await parallel('first', 'pump', { queryCondition: "deviceId = 'pump-0001'" })
    await parallel('other', 'pump', { queryCondition: "deviceId = 'pump-0002'" })
    await run()
    await queue('second')
    await run()
    const waitsFor = async () => (await jobRow(deps, 'second')).waitsForKey
    const before = await waitsFor()
    await cancelJob(deps, tester, 'first')
    await run()
    expect(await statusOf('second')).toBe('queued')
    expect(await waitsFor()).toBe((await jobRow(deps, 'other')).key)
    expect(await waitsFor()).not.toBe(before)
    expect((await eventsOf('second')).map((event) => event.split(' ')[0])).toEqual(['scheduled', 'waiting'])
  })

  test('looks again after a minute, because the other may have left its devices long before its end', async () => {
    await parallel('first')
    await run()
    await dispatch(deps, key('first', 1))
    await queue('second', 'pump', { queryCondition: "deviceId = 'pump-0001'" })
    await run()
    await answer(deps, done('first', 1))
    await run()
    expect(await statusOf('second')).toBe('queued')
    // As after a minute of the database's clock, which no test can move.
    await deps.database.pool.query("update job set looked_time = looked_time - interval '1 minute'")
    await run()
    expect(await statusOf('second')).toBe('running')
  })

  test('is one of many for the same devices: when one starts, the others wait for it, and only its devices are selected', async () => {
    await parallel('first')
    await run()
    const ids = ['second', 'third', 'fourth', 'fifth']
    for (const id of ids) {
      clock.advance(1)
      await queue(id)
    }
    await run()
    const { lookedTime } = await jobRow(deps, 'fifth')
    await cancelJob(deps, tester, 'first')
    expect(await selectionsDuring(() => Promise.all([run(), run()]))).toBeLessThanOrEqual(2) // one of each instance
    expect(await Promise.all(ids.map(statusOf))).toEqual(['running', 'queued', 'queued', 'queued'])
    const { key } = await jobRow(deps, 'second')
    expect(await jobRow(deps, 'fifth')).toMatchObject({ waitsForKey: key, lookedTime })
    await cancelJob(deps, tester, 'second')
    expect(await selectionsDuring(run)).toBe(1)
    expect(await Promise.all(ids.map(statusOf))).toEqual(['cancelled', 'running', 'queued', 'queued'])
  })

  test('is one of several with different devices, which start together when the job that all of them wait for has ended', async () => {
    await parallel('first')
    await run()
    for (const number of [1, 2, 3]) {
      await queue(`of-${number}`, 'pump', { queryCondition: `deviceId = 'pump-000${number}'` })
    }
    await run()
    await cancelJob(deps, tester, 'first')
    await run()
    expect(await Promise.all(['of-1', 'of-2', 'of-3'].map(statusOf))).toEqual(['running', 'running', 'running'])
  })

  test('looks at one device after a minute, and at all when that has left the condition', async () => {
    await parallel('first', 'pump', { queryCondition: "deviceId = 'pump-0001'" })
    await run()
    await queue('second', 'pump', { queryCondition: "tags.fleet = 'pump'" })
    await run()
    const look = () => deps.database.pool.query("update job set looked_time = looked_time - interval '1 minute'")
    await look()
    expect(await selectionsDuring(run)).toBe(0)
    expect(await statusOf('second')).toBe('queued')
    await deps.database.pool.query(`update twin set tags = '{}' where device_id = 'pump-0001'`)
    await look()
    await run()
    await deps.database.pool.query(`update twin set tags = '{"fleet": "pump"}' where device_id = 'pump-0001'`)
    expect(await jobRow(deps, 'second')).toMatchObject({ status: 'running', deviceCount: 2, commonDevice: null })
  })

  test('takes no slot meanwhile, and does not keep others from theirs', async () => {
    await parallel('first')
    await run(2)
    await queue('second')
    await run(2)
    clock.advance(1)
    await parallel('third', 'valve')
    await run(2)
    expect([await statusOf('second'), await statusOf('third')]).toEqual(['queued', 'running'])
  })

  test('asks nothing of the database while it waits', async () => {
    await parallel('first')
    await run()
    const idle = await countStatements(() => run())
    await queue('second')
    await run()
    expect(await countStatements(() => run())).toBe(idle)
  })

  test('is one of two that several instances start at once: the other one waits', async () => {
    for (let round = 1; round <= 5; round++) {
      const ids = [`one-${round}`, `two-${round}`]
      for (const id of ids) await queue(id)
      await Promise.all([run(), run(), run()])
      const statuses = await Promise.all(ids.map(statusOf))
      expect(statuses.toSorted()).toEqual(['queued', 'running'])
      for (const id of ids) await cancelJob(deps, tester, id)
    }
  })

  test('is found by an instance that selected its devices before another instance started a job with them', async () => {
    await queue('second', 'pump', {
      rollout: {
        waves: [{ devices: 1 }, {}],
        budget: { groupBy: 'tags.fleet', maxConcurrent: 1 },
        window: { from: '00:00', to: '23:59', timeZone: 'UTC', timeZoneFrom: 'tags.zone' },
      },
    })
    const { pool } = deps.database
    const client = await pool.connect()
    try {
      // The selection of the devices of the second job has ended, and waits for its turn to start.
      await client.query("begin; select pg_advisory_xact_lock(hashtext('twincast start jobs'))")
      const starting = run()
      await expect.poll(async () => (await pool.query(waitingForLock)).rowCount).toBe(1)
      await parallel('first')
      await client.query(
        `with started as (
           update job set status = 'running', started_time = now(), device_count = 3, pending_count = 3
           where id = 'first' returning key
         )
         insert into device_job (job_key, device_id) select key, 'pump-000' || n from started, generate_series(1, 3) n`,
      )
      await client.query('commit')
      await starting
    } finally {
      client.release()
    }
    expect(await statusOf('second')).toBe('queued')
    const left = ['device_job', 'job_wave', 'budget_group', 'job_window'].map(async (table) => {
      const rows = await pool.query(`select from ${table} join job on key = job_key where id = 'second'`)
      return rows.rowCount
    })
    expect(await Promise.all(left)).toEqual([0, 0, 0, 0])
    await cancelJob(deps, tester, 'first')
    await run()
    expect(await jobRow(deps, 'second')).toMatchObject({ status: 'running', deviceCount: 3 })
  })

  test('fails when its time is up before the other has ended, and says why', async () => {
    await parallel('first')
    await run()
    await queue('second', 'pump', { maxExecutionTimeInSeconds: 10 })
    await run()
    clock.advance(11_000)
    await finish()
    expect(await jobRow(deps, 'second')).toMatchObject({
      status: 'failed',
      failureReason: 'The deadline of the job passed while it waited for other jobs on some of its devices.',
    })
    expect(await statusOf('first')).toBe('running')
  })

  test('can be cancelled, paused and resumed while it waits', async () => {
    await parallel('first')
    await run()
    await queue('second')
    await queue('third')
    await run()
    await cancelJob(deps, tester, 'second')
    expect(await jobRow(deps, 'second')).toMatchObject({ status: 'cancelled', endTime: clock.now() })
    await pauseJob(deps, tester, 'third')
    await cancelJob(deps, tester, 'first')
    await run()
    expect(await statusOf('third')).toBe('paused')
    await resumeJob(deps, tester, 'third')
    await run()
    expect(await statusOf('third')).toBe('running')
  })

  test('waits for a paused job, which goes on where it was', async () => {
    await parallel('first')
    await run()
    await pauseJob(deps, tester, 'first')
    await queue('second')
    await run()
    expect(await statusOf('second')).toBe('queued')
  })

  test('waits after it was approved', async () => {
    await queue('second', 'pump', { rollout: { approval: true } })
    await parallel('first')
    await run()
    await approveJob(deps, byPolicy('approver'), { jobId: 'second' })
    await run()
    expect(await jobRow(deps, 'second')).toMatchObject({ status: 'queued', startedTime: null })
    await cancelJob(deps, tester, 'first')
    await run()
    expect(await statusOf('second')).toBe('running')
  })

  test('keeps the devices that it selected at its creation', async () => {
    await parallel('first')
    await run()
    await queue('second', 'pump', { targets: 'atCreation' })
    await run()
    expect(await jobRow(deps, 'second')).toMatchObject({ status: 'queued', deviceCount: 3, pendingCount: 3 })
    expect(await devicesOf('second')).toBe(3)
    await cancelJob(deps, tester, 'first')
    await run()
    expect(await jobRow(deps, 'second')).toMatchObject({ status: 'running', deviceCount: 3, pendingCount: 3 })
  })

  test('does not wait for a job that only has selected its devices', async () => {
    await parallel('first', 'pump', { targets: 'atCreation', startTime: new Date(clock.now().getTime() + 60_000) })
    await queue('second')
    await run()
    expect(await statusOf('second')).toBe('running')
  })

  test('is repeated by a job that queues, too', async () => {
    await queue('source')
    await run()
    await cancelJob(deps, tester, 'source')
    await parallel('first')
    await run()
    await retryJob(deps, tester, { jobId: 'source', newJobId: 'again', result: ['cancelled'] })
    await run()
    expect(await jobRow(deps, 'again')).toMatchObject({ status: 'queued', onOverlap: 'queue' })
    // After a minute it looks at one device, like any other.
    await deps.database.pool.query("update job set looked_time = looked_time - interval '1 minute'")
    expect(await selectionsDuring(run)).toBe(0)
    expect(await statusOf('again')).toBe('queued')
    await cancelJob(deps, tester, 'first')
    await run()
    expect(await statusOf('again')).toBe('running')
  })

  test('waits for a continuous job as long as that has open device jobs, also of devices that joined', async () => {
    await givenTwinJob(deps, 'late', { jobId: 'first', targets: 'continuous' })
    await run()
    await givenDevices(deps, 'late', 1)
    const joining = joinDevices(deps)
    await joining.run(clock.now())
    joining.close()
    await queue('second', 'late')
    await run()
    expect(await statusOf('second')).toBe('queued')
    await dispatchTwinUpdates(deps).run(clock.now())
    await run()
    expect([await statusOf('first'), await statusOf('second')]).toEqual(['running', 'running'])
  })

  test('without devices completes at once', async () => {
    await parallel('first')
    await run()
    await queue('second', 'nobody')
    await run()
    expect(await statusOf('second')).toBe('completed')
  })

  test('fails at once with more devices than it may have', async () => {
    await parallel('first')
    await queue('second')
    await deps.database.pool.query("update job set max_devices = 2 where id = 'second'")
    await run()
    expect(await jobRow(deps, 'second')).toMatchObject({ status: 'failed', matchedCount: 3 })
  })
})

describe('a job that refuses', () => {
  test('is not scheduled while an open job has some of its devices, whether that has started or not', async () => {
    await parallel('first')
    const message = 'The job was refused, because another job has some of its devices: "first".'
    await expect(refuse('second')).rejects.toMatchObject({ code: 'CONFLICT', message })
    await run()
    await expect(refuse('second')).rejects.toMatchObject({ code: 'CONFLICT', message })
    expect(await deps.db.prisma.job.count()).toBe(1)
    await refuse('elsewhere', 'valve')
    await cancelJob(deps, tester, 'first')
    await refuse('second')
    await run()
    expect([await statusOf('elsewhere'), await statusOf('second')]).toEqual(['running', 'running'])
  })

  test('is scheduled when the other one cannot run at the same time', async () => {
    await parallel('first', 'pump', { maxExecutionTimeInSeconds: 60 })
    const startTime = new Date(clock.now().getTime() + 60_000)
    await refuse('second', 'pump', { startTime })
    expect(await statusOf('second')).toBe('scheduled')
  })

  test('is reported as taken when the same request is repeated', async () => {
    await refuse('second')
    await expect(refuse('second')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  })

  test('fails at its start when another one has some of its devices by then', async () => {
    const startTime = new Date(clock.now().getTime() + 60_000)
    await refuse('second', 'pump', { startTime })
    await refuse('early', 'valve', { startTime, targets: 'atCreation' })
    await parallel('first', 'pump', { queryCondition: '*' })
    await run()
    clock.advance(60_000)
    await run()
    const failureReason = 'The job was refused, because another job has some of its devices: "first".'
    expect(await jobRow(deps, 'second')).toMatchObject({ status: 'failed', failureReason, deviceCount: 0 })
    expect(await devicesOf('second')).toBe(0)
    expect(await jobRow(deps, 'early')).toMatchObject({ status: 'failed', failureReason, failedCount: 2 })
  })
})

test('a job without a policy starts with as many statements as before, whatever runs', async () => {
  await parallel('first')
  await run()
  await parallel('second')
  const one = await countStatements(() => run())
  await parallel('third', 'valve')
  expect(await countStatements(() => run())).toBe(one)
  expect([await statusOf('second'), await statusOf('third')]).toEqual(['running', 'running'])
})
