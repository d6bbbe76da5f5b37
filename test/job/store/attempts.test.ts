import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Tx } from '../../../src/database/reader.ts'
import { createDevices } from '../../../src/device/commands.ts'
import { cancelJob, pauseJob } from '../../../src/job/commands.ts'
import {
  lockOpenJobs,
  markDispatched,
  type Settlement,
  settle,
  unmarkDispatched,
} from '../../../src/job/store/facts.ts'
import { finishJobs } from '../../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../../src/scope.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { counters, givenMethodJob, givenPresent, jobRow, tester } from '../../support/rows.ts'
import { whileHeld } from '../../support/while-held.ts'

let deps: TestDeps
let clock: TestClock
let jobId: string

const ids = ['a', 'b', 'c', 'd']
const timeout = { code: 'GatewayTimeout', description: 'No answer.' }
const retry = { maxAttempts: 3, on: ['GatewayTimeout', '503'], backoffSeconds: 0 }

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await createDevices(
    deps,
    everything,
    ids.map((deviceId) => ({ deviceId, twin: { tags: { fleet: 'pump', site: 'north' } } })),
  )
  await givenPresent(deps, ids)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_attempt', 'job', 'budget_group'])
    await deps.database.pool.query(`delete from ${table}`)
})

const start = async (rollout: object = { retry }, request: object = {}): Promise<void> => {
  jobId = await givenMethodJob(deps, 'pump', {}, { rollout, ...request })
  await startDueJobs(deps, { maxRunning: 100 }).run(clock.now())
}
const markIn = (tx: Tx, devices: readonly string[]) =>
  markDispatched(
    tx,
    devices.map((deviceId) => ({ jobId, deviceId, deadline: clock.now() })),
    { instanceId: deps.lease.instanceId, now: clock.now() },
  )
const mark = (...devices: string[]) => deps.db.autocommit((tx) => markIn(tx, devices))
const marked = async (...devices: string[]) =>
  (await mark(...devices)).marked.map(({ deviceId, attempt }) => `${deviceId} ${attempt}`)

type End = Omit<Settlement, 'jobId'>
const end = (...ends: End[]) =>
  deps.db.autocommit((tx) =>
    settle(
      tx,
      ends.map((each) => ({ jobId, ...each })),
      'running',
      clock.now(),
    ),
  )
const timedOut = (deviceId: string, attempt?: number): End => ({
  deviceId,
  error: timeout,
  ...(attempt !== undefined && { attempt }),
})
const answered = (deviceId: string, status: number, attempt?: number): End => ({
  deviceId,
  response: { status, payload: `"${status}"` },
  ...(attempt !== undefined && { attempt }),
})

/** The facts of the devices: attempts, mark and outcome. */
async function facts(): Promise<Record<string, string>> {
  const { rows } = await deps.database.pool.query<{ id: string; facts: string }>(
    `select target.device_id as id, concat_ws(' ',
       (select string_agg(coalesce(error_code, response_status::text), ',' order by attempt) from device_job_attempt a
        where a.job_key = job.key and a.device_id = target.device_id),
       case when mark.job_key is not null then 'mark' end,
       case when o.job_key is not null then coalesce(o.error_code, o.response_payload, 'patched') end) as facts
     from job join device_job target on target.job_key = job.key
     left join device_job_dispatch mark on mark.job_key = job.key and mark.device_id = target.device_id
     left join device_job_outcome o on o.job_key = job.key and o.device_id = target.device_id
     where job.id = $1`,
    [jobId],
  )
  return Object.fromEntries(rows.map((row) => [row.id, row.facts]))
}

test('a call that fails in a listed way is an attempt, without an outcome, and its device waits again', async () => {
  await start()
  expect(await marked('a', 'b', 'c')).toEqual(['a 1', 'b 1', 'c 1'])
  const [progress] = await end(timedOut('a'), answered('b', 503), answered('c', 500))
  expect(progress).toMatchObject({ open: 3, repeated: expect.arrayContaining(['a', 'b']) })
  expect(progress?.repeated).toHaveLength(2)
  expect(await facts()).toEqual({ a: 'GatewayTimeout', b: '503', c: 'mark "500"', d: '' })
  expect(await counters(deps, jobId)).toBe('running: 3 pending, 0 running, 1 succeeded, 0 failed, 0 canceled')
  expect(await marked('a', 'b')).toEqual(['a 2', 'b 2'])
})

test('the last attempt has the outcome, whatever it is', async () => {
  await start()
  for (const attempt of [1, 2, 3]) {
    expect(await marked('a')).toEqual([`a ${attempt}`])
    await end(timedOut('a', attempt))
  }
  expect(await facts()).toMatchObject({ a: 'GatewayTimeout,GatewayTimeout mark GatewayTimeout' })
  expect(await marked('a')).toEqual([])
  expect(await counters(deps, jobId)).toBe('running: 3 pending, 0 running, 0 succeeded, 1 failed, 0 canceled')
})

test('an attempt waits for its back-off, by the clock of the database', async () => {
  await start({ retry: { ...retry, backoffSeconds: 60, factor: 3, maxBackoffSeconds: 100 } })
  await mark('a')
  await end(timedOut('a'))
  const { marked: none, later } = await mark('a')
  expect(none).toEqual([])
  expect(later).toEqual([{ jobId, deviceId: 'a', waitMs: expect.any(Number) }])
  expect(later[0]?.waitMs).toBeGreaterThan(0)
  expect(later[0]?.waitMs).toBeLessThanOrEqual(60_000)
  await deps.database.pool.query('update device_job_attempt set not_before = now()')
  expect(await marked('a')).toEqual(['a 2'])
  await end(timedOut('a', 2))
  const { rows } = await deps.database.pool.query(
    'select not_before > now() + $1::interval as "isLong" from device_job_attempt where attempt = 2',
    ['60 seconds'],
  )
  expect(rows).toEqual([{ isLong: true }])
})

test('an attempt that would begin after the deadline of the job is the last', async () => {
  await start({ retry: { ...retry, backoffSeconds: 60 } }, { maxExecutionTimeInSeconds: 60 })
  await mark('a')
  await end(timedOut('a'))
  expect(await facts()).toMatchObject({ a: 'mark GatewayTimeout' })
})

describe('what ended before', () => {
  test('settles no later attempt', async () => {
    await start()
    await mark('a')
    await end(timedOut('a'))
    expect(await end(answered('a', 200))).toEqual([])
    expect(await marked('a')).toEqual(['a 2'])
    expect(await end(answered('a', 200, 1), timedOut('a', 1))).toEqual([])
    expect(await facts()).toMatchObject({ a: 'GatewayTimeout mark' })
    await end(answered('a', 200, 2))
    expect(await facts()).toMatchObject({ a: 'GatewayTimeout mark "200"' })
    expect(await end(timedOut('a', 2))).toEqual([])
    expect(await counters(deps, jobId)).toBe('running: 3 pending, 0 running, 1 succeeded, 0 failed, 0 canceled')
  })

  test('counts once in a batch, and not against a later attempt in it', async () => {
    await start()
    await mark('a', 'b')
    await end(timedOut('a'), answered('a', 200), answered('b', 200), timedOut('b'))
    expect(await facts()).toMatchObject({ a: 'GatewayTimeout', b: 'mark "200"' })
    await mark('a')
    await end(answered('a', 200), answered('a', 201, 2))
    expect(await facts()).toMatchObject({ a: 'GatewayTimeout mark "201"' })
  })

  test('is taken back only as the attempt that it was', async () => {
    await start()
    await mark('a')
    await end(timedOut('a'))
    await mark('a')
    const takeBack = (attempt: number) =>
      deps.db.transaction(async (tx) =>
        unmarkDispatched(tx, await lockOpenJobs(tx, [jobId]), [{ jobId, deviceId: 'a', attempt }]),
      )
    await takeBack(1)
    expect(await facts()).toMatchObject({ a: 'GatewayTimeout mark' })
    await takeBack(2)
    expect(await facts()).toMatchObject({ a: 'GatewayTimeout' })
    expect(await marked('a')).toEqual(['a 2'])
  })
})

test('a batch that waits for the job sees that a call was repeated meanwhile', async () => {
  await start()
  await mark('a')
  const late = await whileHeld(
    deps,
    (tx) => settle(tx, [{ jobId, ...timedOut('a') }], 'running', clock.now()),
    () => end(answered('a', 200)),
  )
  expect(late).toEqual([])
  expect(await facts()).toMatchObject({ a: 'GatewayTimeout' })
})

test('a job without a policy in the same batch ends as ever', async () => {
  await start({})
  const other = jobId
  await start()
  const calls = [
    { jobId, deviceId: 'a', deadline: clock.now() },
    { jobId: other, deviceId: 'a', deadline: clock.now() },
  ]
  const { instanceId } = deps.lease
  await deps.db.autocommit((tx) => markDispatched(tx, calls, { instanceId, now: clock.now() }))
  const progress = await end(timedOut('a'), { jobId: other, ...timedOut('a') } as End)
  expect(progress).toHaveLength(2)
  expect(await counters(deps, other)).toBe('running: 3 pending, 0 running, 0 succeeded, 1 failed, 0 canceled')
  expect(await counters(deps, jobId)).toBe('running: 4 pending, 0 running, 0 succeeded, 0 failed, 0 canceled')
})

test('outcomes of a batch have the version of their job after its repeated calls', async () => {
  await start()
  await mark('a', 'b')
  const before = (await jobRow(deps, jobId)).version
  await end(timedOut('a'), answered('b', 200))
  const { rows } = await deps.database.pool.query(
    'select (select version from device_job_attempt) as attempt, (select version from device_job_outcome where device_id = $1 and job_key = (select key from job)) as outcome',
    ['b'],
  )
  expect(rows).toEqual([{ attempt: before + 1, outcome: before + 2 }])
  expect((await jobRow(deps, jobId)).version).toBe(before + 2)
})

describe('with other controls', () => {
  test('a repeated call gives its room back: concurrency, budget and wave', async () => {
    await start({
      retry,
      maxConcurrent: 1,
      budget: { groupBy: 'tags.site', maxConcurrent: 1 },
      waves: [{ devices: 2 }, {}],
    })
    const first = (await mark(...ids)).marked
    expect(first).toHaveLength(1)
    const deviceId = first[0]?.deviceId ?? ''
    const [progress] = await end(timedOut(deviceId))
    expect(progress).toMatchObject({ open: 4, hasWaves: true, repeated: [deviceId] })
    expect(progress?.freedGroups).toHaveLength(1)
    const { rows } = await deps.database.pool.query(
      'select (select sum(running_count)::integer from job_wave) as waves, (select running_count from budget_group) as groups',
    )
    expect(rows).toEqual([{ waves: 0, groups: 0 }])
    expect((await mark(...ids)).marked).toHaveLength(1)
  })

  test('abort rules count what ended at last, not attempts', async () => {
    await start({
      retry: { ...retry, maxAttempts: 2 },
      abort: [{ errorCode: 'GatewayTimeout', percent: 0, action: 'pause' }],
    })
    await mark('a')
    await end(timedOut('a'))
    expect((await jobRow(deps, jobId)).status).toBe('running')
    await mark('a')
    await end(timedOut('a', 2))
    expect((await jobRow(deps, jobId)).status).toBe('paused')
  })
})

describe('a call that is repeated after the threshold of an abort rule was crossed while no device waited', () => {
  const crossed = async (action: 'pause' | 'cancel', ...ends: End[]): Promise<void> => {
    await start({ retry, abort: [{ on: ['failed'], percent: 0, action }], waves: [{ devices: 4 }, {}] })
    await mark(...ids)
    await end({ deviceId: 'a', error: { code: 'BadDeviceResponse', description: 'No JSON.' } })
    expect((await jobRow(deps, jobId)).status).toBe('running')
    await end(...ends)
  }

  test('is not sent again: its job is paused', async () => {
    await crossed('pause', timedOut('b'))
    expect(await counters(deps, jobId)).toBe('paused: 1 pending, 2 running, 0 succeeded, 1 failed, 0 canceled')
    expect((await mark('b')).marked).toEqual([])
  })

  test('was the last: its job is cancelled', async () => {
    await crossed('cancel', timedOut('b'), answered('c', 200))
    expect(await facts()).toMatchObject({ b: 'mark GatewayTimeout' })
    expect(await counters(deps, jobId)).toBe('cancelled: 0 pending, 1 running, 1 succeeded, 2 failed, 0 canceled')
    const { rows } = await deps.database.pool.query(
      'select running_count, succeeded_count, failed_count from job_wave where wave = 1',
    )
    expect(rows).toEqual([{ running_count: 1, succeeded_count: 1, failed_count: 2 }])
  })

  test('was the last, also when it turns out that its next attempt was not sent', async () => {
    await start({ retry, abort: [{ on: ['failed'], percent: 0, action: 'cancel' }], waves: [{ devices: 4 }, {}] })
    await mark(...ids)
    await end(timedOut('b'))
    await mark('b')
    await end({ deviceId: 'a', error: { code: 'BadDeviceResponse', description: 'No JSON.' } })
    const unsent = [{ jobId, deviceId: 'b', attempt: 2 }]
    await deps.db.transaction(async (tx) => unmarkDispatched(tx, await lockOpenJobs(tx, [jobId]), unsent))
    expect(await facts()).toMatchObject({ b: 'mark GatewayTimeout' })
    expect(await counters(deps, jobId)).toBe('cancelled: 0 pending, 2 running, 0 succeeded, 2 failed, 0 canceled')
    const { rows } = await deps.database.pool.query('select running_count, failed_count from job_wave where wave = 1')
    expect(rows).toEqual([{ running_count: 2, failed_count: 2 }])
  })
})

describe('the end of the job', () => {
  const wait = { retry: { ...retry, backoffSeconds: 600 } }

  test('by cancellation ends what waits for another attempt as its last one did', async () => {
    await start({ ...wait, waves: [{ devices: 3 }, {}] })
    const devices = (await mark(...ids)).marked.map(({ deviceId }) => deviceId)
    const [a = '', b = ''] = devices
    await end(timedOut(a), answered(b, 503))
    await cancelJob(deps, tester, jobId)
    expect(await facts()).toMatchObject({ [a]: 'mark GatewayTimeout', [b]: 'mark "503"' })
    // One is in progress, and one was never called.
    expect(await counters(deps, jobId)).toBe('cancelled: 0 pending, 1 running, 1 succeeded, 1 failed, 1 canceled')
    expect((await jobRow(deps, jobId)).refusedCount).toBe(1)
    const { rows } = await deps.database.pool.query(
      'select running_count, succeeded_count, refused_count, failed_count from job_wave where wave = 1',
    )
    expect(rows).toEqual([{ running_count: 1, succeeded_count: 1, refused_count: 1, failed_count: 1 }])
    await end(timedOut(devices[2] ?? ''))
    expect(await counters(deps, jobId)).toBe('cancelled: 0 pending, 0 running, 1 succeeded, 2 failed, 1 canceled')
  })

  test('at the deadline likewise', async () => {
    await start(wait)
    await mark('a', 'b', 'c')
    await end(timedOut('a'), answered('b', 503))
    clock.advance(3_600_001)
    await finishJobs(deps).run(clock.now())
    expect(await facts()).toEqual({ a: 'mark GatewayTimeout', b: 'mark "503"', c: 'mark', d: '' })
    expect(await counters(deps, jobId)).toBe('completed: 0 pending, 0 running, 1 succeeded, 3 failed, 0 canceled')
  })

  test('by an abort rule likewise', async () => {
    await start({ ...wait, abort: [{ on: ['failed'], percent: 0, action: 'cancel' }] })
    await mark('a', 'b')
    await end(timedOut('a'), { deviceId: 'b', error: { code: 'BadDeviceResponse', description: 'No JSON.' } })
    expect(await facts()).toMatchObject({ a: 'mark GatewayTimeout', b: 'mark BadDeviceResponse' })
    expect(await counters(deps, jobId)).toBe('cancelled: 0 pending, 0 running, 0 succeeded, 2 failed, 2 canceled')
  })

  test('keeps a later attempt cancelled that was not sent', async () => {
    await start({ ...wait, waves: [{ devices: 3 }, {}] })
    const [a = '', b = '', c = ''] = (await mark(...ids)).marked.map(({ deviceId }) => deviceId)
    await end(timedOut(a), answered(b, 503))
    await deps.database.pool.query('update device_job_attempt set not_before = now()')
    expect((await mark(a, b)).marked).toHaveLength(2)
    await cancelJob(deps, tester, jobId)
    const unsent = [a, b].map((deviceId) => ({ jobId, deviceId, attempt: 2 }))
    await deps.db.transaction(async (tx) => unmarkDispatched(tx, await lockOpenJobs(tx, [jobId]), unsent))
    await end(timedOut(c))
    await finishJobs(deps).run(clock.now())
    expect(await facts()).toMatchObject({ [a]: 'GatewayTimeout', [b]: '503', [c]: 'mark GatewayTimeout' })
    expect(await counters(deps, jobId)).toBe('cancelled: 0 pending, 0 running, 0 succeeded, 1 failed, 3 canceled')
    expect(await jobRow(deps, jobId)).toMatchObject({ refusedCount: 0, endTime: expect.any(Date) })
  })

  describe('with more attempts than can be ended at once', () => {
    beforeEach(async () => {
      await start(wait)
      await mark('a')
      await end(timedOut('a'))
      await deps.database.pool.query(
        `insert into device_job_attempt (job_key, device_id, attempt, dispatched_time, ended_time, not_before, response_status, version)
         select key, 'other ' || n, 1, now(), now(), now(), 503, 0 from job, generate_series(1, 5000) n where id = $1`,
        [jobId],
      )
    })

    test('cancels what waits', async () => {
      await cancelJob(deps, tester, jobId)
      expect(await facts()).toMatchObject({ a: 'GatewayTimeout' })
      expect(await counters(deps, jobId)).toBe('cancelled: 0 pending, 0 running, 0 succeeded, 0 failed, 4 canceled')
    })

    test('at the deadline fails what waits', async () => {
      clock.advance(3_600_001)
      await finishJobs(deps).run(clock.now())
      expect(await facts()).toMatchObject({ a: 'GatewayTimeout' })
      expect(await counters(deps, jobId)).toBe('completed: 0 pending, 0 running, 0 succeeded, 4 failed, 0 canceled')
    })
  })

  test('that is cancelled while a call is in progress repeats it no more', async () => {
    await start()
    await mark('a')
    await end(timedOut('a'))
    await mark('a')
    await cancelJob(deps, tester, jobId)
    expect(await end(answered('a', 200, 1))).toEqual([])
    await end(timedOut('a', 2))
    expect(await facts()).toMatchObject({ a: 'GatewayTimeout mark GatewayTimeout' })
  })
})

test('a call that fails while the job is paused is repeated after the resumption', async () => {
  await start()
  await mark('a')
  await pauseJob(deps, tester, jobId)
  await end(timedOut('a'))
  expect(await facts()).toMatchObject({ a: 'GatewayTimeout' })
  expect(await marked('a')).toEqual([])
})
