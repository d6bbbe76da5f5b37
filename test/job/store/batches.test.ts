import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Tx } from '../../../src/database/reader.ts'
import { markDispatched, type SettledFrom, settle } from '../../../src/job/store/facts.ts'
import { saveCancelled } from '../../../src/job/store/transitions.ts'
import { startDueJobs } from '../../../src/scheduler/start-due-jobs.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { counters, givenDevices, givenMethodJob, givenPresent, jobRow, markCalls, tester } from '../../support/rows.ts'
import { whileHeld } from '../../support/while-held.ts'

// A batch of facts that waits for the lock on a job's row must see everything that the holder of the lock has committed.

const now = new Date('2026-01-01T00:00:00Z')
const ok = { response: { status: 200, payload: 'null' } }
const failed = { error: { code: 'X', description: 'x' } }
let deps: TestDeps
let deviceIds: string[]
let jobId: string

beforeAll(async () => {
  deps = await createTestDeps()
  deviceIds = await givenDevices(deps, 'pump', 4)
  await givenPresent(deps, deviceIds)
})
afterAll(() => deps.close())
beforeEach(async () => {
  jobId = await givenMethodJob(deps, 'pump')
  await startDueJobs(deps, { maxRunning: 100 }).run(deps.clock.now())
})

const keys = (ids: readonly string[]) => ids.map((deviceId) => ({ jobId, deviceId }))
const mark = (tx: Tx, ids: readonly string[]) =>
  markDispatched(
    tx,
    keys(ids).map((key) => ({ ...key, deadline: now })),
    { instanceId: deps.lease.instanceId, now },
  )
/** Settles the device jobs, as failed unless it is said otherwise. */
const settleAll = (tx: Tx, ids: readonly string[], from: SettledFrom, end: typeof ok | typeof failed = failed) =>
  settle(
    tx,
    keys(ids).map((key) => ({ ...key, ...end })),
    from,
    now,
  )

test('a call is not marked when its device job ended while the mark waited', async () => {
  const { marked } = await whileHeld(
    deps,
    (tx) => settleAll(tx, deviceIds.slice(0, 2), 'pending'),
    () => deps.db.autocommit((tx) => mark(tx, deviceIds)),
  )
  expect(marked.map(({ deviceId }) => deviceId)).toEqual(deviceIds.slice(2))
  expect(await counters(deps, jobId)).toBe('running: 0 pending, 2 running, 0 succeeded, 2 failed, 0 canceled')
})

test('a device job does not end as waiting when its call was marked in between', async () => {
  const progress = await whileHeld(
    deps,
    (tx) => mark(tx, deviceIds.slice(0, 3)),
    () => deps.db.autocommit((tx) => settleAll(tx, deviceIds, 'pending')),
  )
  expect(progress).toEqual([{ jobId, open: 3, hasWaves: false }])
  expect(await counters(deps, jobId)).toBe('running: 0 pending, 3 running, 0 succeeded, 1 failed, 0 canceled')
})

test('of two outcomes the one that was committed first stays, and is counted once', async () => {
  await deps.db.autocommit((tx) => mark(tx, deviceIds))
  const progress = await whileHeld(
    deps,
    (tx) => settleAll(tx, deviceIds.slice(0, 3), 'running', ok),
    () => deps.db.autocommit((tx) => settleAll(tx, deviceIds, 'running')),
  )
  expect(progress).toEqual([{ jobId, open: 0, hasWaves: false }])
  expect(await counters(deps, jobId)).toBe('running: 0 pending, 0 running, 3 succeeded, 1 failed, 0 canceled')
  const { rows } = await deps.database.pool.query<{ version: number }>(
    'select o.version from device_job_outcome o join job on key = job_key where id = $1 order by o.version',
    [jobId],
  )
  const { version } = await jobRow(deps, jobId)
  expect(rows.map((row) => row.version)).toEqual([version - 1, version - 1, version - 1, version])
})

test('of a batch with marked calls and with the same call twice, the others are marked, each once', async () => {
  await deps.db.autocommit((tx) => mark(tx, deviceIds.slice(0, 2)))
  const again = [...deviceIds, ...deviceIds.slice(2)]
  const { marked } = await deps.db.autocommit((tx) => mark(tx, again))
  expect(marked.map(({ deviceId }) => deviceId).sort()).toEqual(deviceIds.slice(2))
  expect(await counters(deps, jobId)).toBe('running: 0 pending, 4 running, 0 succeeded, 0 failed, 0 canceled')
})

test('of a batch with written outcomes and with the same device twice, the others are written, each once', async () => {
  await deps.db.autocommit((tx) => mark(tx, deviceIds))
  await deps.db.autocommit((tx) => settleAll(tx, deviceIds.slice(0, 2), 'running', ok))
  const again = [...deviceIds, ...deviceIds.slice(2)]
  await deps.db.autocommit((tx) => settleAll(tx, again, 'running', ok))
  expect(await counters(deps, jobId)).toBe('running: 0 pending, 0 running, 4 succeeded, 0 failed, 0 canceled')
  const { rows } = await deps.database.pool.query<{ version: number }>(
    'select o.version from device_job_outcome o join job on key = job_key where id = $1 order by o.version',
    [jobId],
  )
  const { version } = await jobRow(deps, jobId)
  expect(rows.map((row) => row.version)).toEqual([version - 1, version - 1, version, version])
})

test('no call of a job is marked that was cancelled in between', async () => {
  const marked = await whileHeld(
    deps,
    (tx) => saveCancelled(tx, jobId, tester, null, now),
    () => deps.db.autocommit((tx) => mark(tx, deviceIds)),
  )
  expect(marked).toMatchObject({ marked: [], held: [], full: [] })
  expect(await counters(deps, jobId)).toBe('cancelled: 0 pending, 0 running, 0 succeeded, 0 failed, 4 canceled')
})

test('marks of several jobs are counted for the job that they belong to', async () => {
  const first = jobId
  const second = await givenMethodJob(deps, 'pump')
  await startDueJobs(deps, { maxRunning: 100 }).run(deps.clock.now())
  const calls = [
    ...deviceIds.map((deviceId) => ({ jobId: second, deviceId, deadline: now })),
    { jobId: first, deviceId: deviceIds[0] ?? '', deadline: now },
    { jobId: 'unknown', deviceId: deviceIds[1] ?? '', deadline: now },
  ]
  const marked = await deps.db.transaction((tx) => markCalls(deps, tx, calls))
  expect(marked).toEqual(calls.slice(0, 5).map(({ jobId: id, deviceId }) => ({ jobId: id, deviceId })))
  expect(await counters(deps, first)).toContain('3 pending, 1 running')
  expect(await counters(deps, second)).toContain('0 pending, 4 running')
})
