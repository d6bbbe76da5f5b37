import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { cancelJob, pauseJob, resumeJob, retryJob } from '../../../src/job/commands.ts'
import {
  lockOpenJobs,
  markDispatched,
  type SettledFrom,
  settle,
  unmarkDispatched,
} from '../../../src/job/store/facts.ts'
import { findHistories } from '../../../src/job/store/history.ts'
import { finishJobs } from '../../../src/job/store/transitions.ts'
import { startDueJobs } from '../../../src/scheduler/start-due-jobs.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { counters, givenDevices, givenMethodJob, givenPresent, jobRow, tester } from '../../support/rows.ts'

let deps: TestDeps
let clock: TestClock
let deviceIds: string[]
/** The devices of the present job that have not ended, in order. */
let waiting: string[]
let jobId: string

const fleet = 20

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  deviceIds = await givenDevices(deps, 'pump', fleet)
  await givenPresent(deps, deviceIds)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job_event', 'job']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
})

const failed = { on: ['failed'], percent: 50, action: 'pause' }

async function given(...abort: readonly object[]): Promise<void> {
  jobId = await givenMethodJob(deps, 'pump', {}, { rollout: { abort } })
  await startDueJobs(deps, { maxRunning: 100 }).run(clock.now())
  waiting = [...deviceIds]
}

/**
 * One letter for each of the next devices: s succeeds, r refuses, u answers that it is unavailable, f fails, t times out. Each
 * batch is a statement.
 */
async function end(batch: string, from: SettledFrom = 'pending'): Promise<void> {
  const settlements = waiting.splice(0, batch.length).map((deviceId, index) => ({
    jobId,
    deviceId,
    ...resultOf(batch[index]),
  }))
  await deps.db.autocommit((tx) => settle(tx, settlements, from, clock.now()))
}
const resultOf = (letter: string | undefined) => {
  if (letter === 'f') return { error: { code: 'DeviceNotFound', description: 'x' } }
  if (letter === 't') return { error: { code: 'GatewayTimeout', description: 'x' } }
  return { response: { status: letter === 'r' ? 400 : letter === 'u' ? 503 : 200, payload: 'null' } }
}
const mark = (count: number) =>
  deps.db.autocommit((tx) =>
    markDispatched(
      tx,
      waiting.slice(0, count).map((deviceId) => ({ jobId, deviceId, deadline: clock.now() })),
      { instanceId: deps.lease.instanceId, now: clock.now() },
    ),
  )
const status = async () => (await jobRow(deps, jobId)).status
const lastEvent = async () => (await findHistories(deps.db, [String((await jobRow(deps, jobId)).key)])).at(-1)

describe('a job is paused', () => {
  test.each<[string, object, string[], string]>([
    ['at exactly the percentage', { percent: 25 }, ['sss', 'f'], 'sss'],
    ['at exactly a percentage with decimals', { percent: 12.5 }, ['sssssss', 'f'], 'sssssss'],
    ['at 0 % with the first device', { percent: 0 }, ['ssssssssss', 'f'], 'ssssssssss'],
    ['at 100 % when all devices failed', { percent: 100, afterDevices: 3 }, ['ff', 'f'], 'ff'],
    ['when exactly enough devices have ended', { percent: 50, afterDevices: 4 }, ['fff', 's'], 'fff'],
    ['by refusals, where they count', { percent: 50, on: ['refused'] }, ['fs', 'rr'], 'fs'],
    ['by time-outs, where they count', { percent: 50, on: ['timedOut'] }, ['tff', 't'], 'tff'],
    ['by time-outs and refusals', { percent: 75, on: ['timedOut', 'refused'] }, ['tfs', 'rruuu'], 'tfs'],
    ['by time-outs, which are failures', { percent: 75, on: ['failed', 'timedOut'] }, ['tsf', 't'], 'tsf'],
    ['by an error code', { percent: 50, on: null, errorCode: 'DeviceNotFound' }, ['fts', 'f'], 'fts'],
    ['by a response status', { percent: 50, on: null, responseStatus: 503 }, ['urr', 'u'], 'urr'],
    ['by a status that is no refusal', { percent: 50, on: null, responseStatus: 200 }, ['f', 's'], 'f'],
    ['by the sum of failures and refusals', { percent: 75, on: ['failed', 'refused'] }, ['sf', 'rr'], 'sf'],
  ])('%s, and not before', async (_when, rule, [before = '', crossing = '']) => {
    await given({ ...failed, ...rule })
    await end(before)
    expect(await status()).toBe('running')
    await end(crossing)
    expect(await status()).toBe('paused')
  })

  test.each<[string, object, string]>([
    ['at 100 % when one device succeeded', { percent: 100 }, 'sffffffffff'],
    ['just below the percentage', { percent: 33.34 }, 'ssf'],
    ['at 0 % without such a device', { percent: 0 }, 'ssrr'],
    ['by other failures, where only time-outs count', { percent: 1, on: ['timedOut'] }, 'fffr'],
    ['by other error codes', { percent: 1, on: null, errorCode: 'DeviceNotFound' }, 'ttr'],
    ['by other response statuses', { percent: 1, on: null, responseStatus: 503 }, 'rfts'],
    ['by refusals, where only failures count', { percent: 1 }, 'rrrr'],
    ['by failures, where only refusals count', { percent: 1, on: ['refused'] }, 'ffff'],
  ])('not %s', async (_when, rule, ended) => {
    await given({ ...failed, ...rule })
    await end(ended)
    expect(await status()).toBe('running')
  })
})

test('the event of a rule has its counts in words and as numbers, and the number of calls under way', async () => {
  await given({ on: ['failed', 'refused'], percent: 33.33, afterDevices: 3, action: 'pause' })
  await mark(8)
  clock.advance(5_000)
  await end('srf', 'running')
  const { version, key } = await jobRow(deps, jobId)
  expect(await lastEvent()).toEqual({
    jobKey: String(key),
    version,
    time: clock.now(),
    type: 'paused',
    status: 'paused',
    cause: 'rule',
    actor: null,
    changed: null,
    deviceCount: null,
    cancellation: null,
    wave: null,
    reason: '2 of 3 devices failed or refused: at least 33.33 %. Calls in progress: 5.',
    crossing: {
      rule: { on: ['failed', 'refused'], percent: 33.33, afterDevices: 3, action: 'pause' },
      matched: 2,
      ended: 3,
      underWay: 5,
    },
  })
})

test.each([
  [{ on: ['refused', 'timedOut'] }, '2 of 4 devices refused or timed out: at least 50 %. Calls in progress: 0.'],
  [{ errorCode: 'GatewayTimeout' }, '2 of 4 devices failed with GatewayTimeout: at least 50 %. Calls in progress: 0.'],
  [{ responseStatus: 503 }, '2 of 4 devices answered with status 503: at least 50 %. Calls in progress: 0.'],
])('the event of a rule names what it counts: %o', async (counted, reason) => {
  await given({ ...counted, percent: 50, afterDevices: 4, action: 'pause' })
  await end('on' in counted ? 'rtss' : 'errorCode' in counted ? 'ttfs' : 'uurs')
  const rule = { ...counted, percent: 50, afterDevices: 4, action: 'pause' }
  expect(await lastEvent()).toMatchObject({ reason, crossing: { rule, matched: 2, ended: 4 } })
})

test('batches of several jobs count for each job by itself, and jobs without such rules have no counts', async () => {
  await given({ errorCode: 'GatewayTimeout', percent: 100, afterDevices: 20, action: 'pause' })
  const counting = jobId
  await given(failed)
  const settlements = [counting, jobId].flatMap((id, place) =>
    deviceIds.slice(0, 2 + place).map((deviceId) => ({ jobId: id, deviceId, ...resultOf('t') })),
  )
  await deps.db.autocommit((tx) => settle(tx, settlements, 'pending', clock.now()))
  expect((await jobRow(deps, counting)).ruleCounts).toEqual({ GatewayTimeout: 2 })
  expect((await jobRow(deps, jobId)).ruleCounts).toBeNull()
})

test('after a resumption, error codes and response statuses count anew', async () => {
  await given(
    { errorCode: 'GatewayTimeout', percent: 50, action: 'pause' },
    { on: null, responseStatus: 503, percent: 50, action: 'pause' },
  )
  await end('t')
  await resumeJob(deps, tester, jobId)
  expect(await jobRow(deps, jobId)).toMatchObject({ judgedFrom: { counts: { GatewayTimeout: 1, 503: 0 } } })
  await end('s')
  expect(await status()).toBe('running')
  await end('ur')
  expect(await status()).toBe('running')
  await end('u')
  expect(await jobRow(deps, jobId)).toMatchObject({ status: 'paused', crossedRule: 1 })
  expect(await lastEvent()).toMatchObject({ crossing: { matched: 2, ended: 4 } })
})

test('not one call is marked after the threshold was crossed, and those under way still end', async () => {
  await given(failed)
  await mark(4)
  await end('f', 'running')
  expect((await mark(fleet)).marked).toEqual([])
  await end('sff', 'running')
  expect(await counters(deps, jobId)).toBe('paused: 16 pending, 0 running, 1 succeeded, 3 failed, 0 canceled')
})

test('a rule cancels: the waiting devices are cancelled, and the job ends with its last call', async () => {
  await given({ ...failed, action: 'cancel' })
  await mark(2)
  await end('f', 'running')
  expect(await counters(deps, jobId)).toBe('cancelled: 0 pending, 1 running, 0 succeeded, 1 failed, 18 canceled')
  expect(await lastEvent()).toMatchObject({ type: 'cancelled', status: 'cancelled', cause: 'rule', actor: null })
  const { statusMessage, endTime } = await jobRow(deps, jobId)
  expect({ statusMessage, endTime }).toEqual({
    statusMessage: '1 of 1 devices failed: at least 50 %. Calls in progress: 1.',
    endTime: null,
  })
  await end('s', 'running')
  await deps.db.transaction((tx) => finishJobs(tx, clock.now()))
  expect(await lastEvent()).toMatchObject({ type: 'ended', status: 'cancelled', cause: 'devices' })
})

test('of several rules whose thresholds are crossed at once, the one that cancels acts, then the first', async () => {
  await given({ ...failed, percent: 20 }, { ...failed, percent: 30 }, { ...failed, percent: 90, action: 'cancel' })
  await end('sf')
  expect(await jobRow(deps, jobId)).toMatchObject({ status: 'paused', crossedRule: 0 })
  await cancelJob(deps, tester, jobId)
  await given({ ...failed, percent: 20 }, { ...failed, percent: 90, action: 'cancel' })
  await end('ff')
  expect(await jobRow(deps, jobId)).toMatchObject({ status: 'cancelled', crossedRule: 1 })
})

test('after a resumption, what had ended before neither counts nor makes up the number of devices', async () => {
  await given({ ...failed, afterDevices: 2 })
  await mark(4)
  await end('ff', 'running')
  // These end during the pause: whoever resumes the job knows of them.
  await end('fr', 'running')
  await resumeJob(deps, tester, jobId)
  expect(await jobRow(deps, jobId)).toMatchObject({
    status: 'running',
    crossedRule: null,
    judgedFrom: { ended: 4, failed: 3, refused: 1 },
  })
  await end('f')
  expect(await status()).toBe('running')
  await end('s')
  expect(await status()).toBe('paused')
  expect(await lastEvent()).toMatchObject({
    reason: '1 of 2 devices failed since the job was resumed: at least 50 %. Calls in progress: 0.',
    crossing: { matched: 1, ended: 2 },
  })
})

test('outcomes of a job that a client has paused or cancelled move it no further', async () => {
  await given({ ...failed, action: 'cancel' })
  await mark(2)
  await pauseJob(deps, tester, jobId)
  await end('f', 'running')
  expect(await jobRow(deps, jobId)).toMatchObject({ status: 'paused', crossedRule: null })
  await cancelJob(deps, tester, jobId)
  await end('f', 'running')
  expect(await jobRow(deps, jobId)).toMatchObject({ status: 'cancelled', crossedRule: null })
  expect(await lastEvent()).toMatchObject({ cause: 'user' })
})

test('a job without waiting devices goes on, because there is nothing to stop', async () => {
  await given(failed)
  await mark(fleet)
  await end('f', 'running')
  expect(await status()).toBe('running')
})

test('a threshold that was crossed while no device waited stops the job when the next one waits: its call was not sent', async () => {
  await given(failed)
  await mark(fleet)
  await end('f', 'running')
  const [deviceId = ''] = waiting
  await deps.db.transaction(async (tx) => unmarkDispatched(tx, await lockOpenJobs(tx, [jobId]), [{ jobId, deviceId }]))
  expect(await counters(deps, jobId)).toBe('paused: 1 pending, 18 running, 0 succeeded, 1 failed, 0 canceled')
  const { version } = await jobRow(deps, jobId)
  expect(await lastEvent()).toMatchObject({
    type: 'paused',
    cause: 'rule',
    version,
    crossing: { matched: 1, ended: 1, underWay: 18 },
  })
  expect((await mark(1)).marked).toEqual([])
})

test('a retry has the rules of its source, and counts from its own start', async () => {
  await given(failed)
  await end('f')
  await cancelJob(deps, tester, jobId)
  const { rollout } = await jobRow(deps, jobId)
  jobId = await retryJob(deps, tester, { jobId, status: ['canceled'] })
  expect(await jobRow(deps, jobId)).toMatchObject({ rollout, judgedFrom: null, crossedRule: null })
})

test('a retry of a job with counts of an error code begins with none', async () => {
  await given({ errorCode: 'GatewayTimeout', percent: 100, afterDevices: 20, action: 'pause' })
  await end('t')
  await cancelJob(deps, tester, jobId)
  jobId = await retryJob(deps, tester, { jobId, status: ['canceled'] })
  expect((await jobRow(deps, jobId)).ruleCounts).toEqual({ GatewayTimeout: 0 })
})
