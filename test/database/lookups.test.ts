import { sqltag as sql } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Reader } from '../../src/database/reader.ts'
import { findDisabledIds, findExistingIds } from '../../src/device/store.ts'
import {
  findCallsOfTheGone,
  findPending,
  findStillUnderWay,
  findUnderWay,
  findWaiting,
  lockOpenJobs,
  settle,
  unmarkDispatched,
} from '../../src/job/store/facts.ts'
import { expandJob, findOpenTargets, findTargets, findTargetsAmong } from '../../src/job/store/targets.ts'
import { saveStarted } from '../../src/job/store/transitions.ts'
import { everything } from '../../src/scope.ts'
import { serviceTexts } from '../../src/twin/document.ts'
import { lockTwins, readServiceSides, saveDesired } from '../../src/twin/store.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob, markCalls } from '../support/rows.ts'
import { unhurried } from '../support/unhurried.ts'

// A plan that was made while a table was empty stays until autovacuum counts the table: a minute, or longer. One that
// reads the whole table for each device is cheap at first, and takes longer than a statement may when the table has
// grown.

let deps: TestDeps
let now: Date
let deviceIds: string[]
let jobId: string

beforeAll(async () => {
  deps = await createTestDeps()
  await deps.database.pool.query('analyze')
  deviceIds = await givenDevices(deps, 'pump', 20)
  jobId = await givenMethodJob(deps, 'pump')
  now = deps.clock.now()
  await deps.db.transaction(async (tx) => {
    const condition = { strings: ['t.tags @> ', '::jsonb'], values: ['{"fleet":"pump"}'] }
    const deviceCount = await expandJob(unhurried(tx), everything, jobId, condition)
    await saveStarted(tx, jobId, { status: 'running', deviceCount, now })
  })
})
afterAll(() => deps.close())

/** The tables that have a row for each device, and how often this connection has read them from end to end. */
async function wholeReads(db: Reader): Promise<Readonly<Record<string, number>>> {
  const rows = await db.query<{ name: string; count: number }>(
    sql`select relname as name, seq_scan::integer as count from pg_stat_xact_user_tables
        where relname in ('device', 'twin', 'device_job', 'device_job_dispatch', 'device_job_outcome')`,
  )
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}

const keys = (ids: readonly string[]) => ids.map((deviceId) => ({ jobId, deviceId }))

test('what the scheduler asks for by key is looked up, also in tables whose statistics say that they are empty', async () => {
  await deps.db.transaction(async (tx) => {
    const before = await wholeReads(tx)
    const called = deviceIds.slice(0, 10)
    const calls = keys(called).map((key) => ({ ...key, deadline: now }))
    expect(await markCalls(deps, tx, calls)).toHaveLength(10)
    const answers = keys(called.slice(0, 5)).map((key) => ({ ...key, response: { status: 200, payload: 'null' } }))
    expect(await settle(tx, answers, 'running', now)).toEqual([{ jobId, open: 15, hasWaves: false }])
    expect(await settle(tx, keys(deviceIds.slice(10, 12)), 'pending', now)).toEqual([
      { jobId, open: 13, hasWaves: false },
    ])
    expect(await findTargetsAmong(tx, jobId, deviceIds, { hasWindow: false })).toHaveLength(20)
    expect(await findWaiting(tx, deviceIds)).toHaveLength(8)
    expect(await findOpenTargets(tx, jobId, '', 100, { hasWindow: false })).toHaveLength(13)
    const { instanceId } = deps.lease
    expect(
      await findPending(tx, { jobId, openWave: null, zoneKey: null }, { instanceId, after: '', limit: 100 }),
    ).toHaveLength(8)
    expect(await lockTwins(tx, everything, deviceIds, 'service', { maxBytes: 0, most: 0 })).toHaveLength(20)
    const open = await lockOpenJobs(tx, [jobId])
    await unmarkDispatched(tx, open, keys(called.slice(5, 7)))
    expect(await findTargets(tx, jobId, '', 100, { hasWindow: false })).toHaveLength(20)
    expect((await findUnderWay(tx, jobId, { after: '', limit: 100 })).underWay).toHaveLength(3)
    expect(await findStillUnderWay(tx, open, keys(deviceIds))).toHaveLength(3)
    expect(await findCallsOfTheGone(tx, deviceIds)).toEqual([])
    expect(await findDisabledIds(tx, deviceIds)).toEqual(new Set())
    expect(await findExistingIds(tx, everything, deviceIds)).toEqual(new Set(deviceIds))
    const twins = await readServiceSides(tx, deviceIds)
    expect(twins).toHaveLength(20)
    await saveDesired(tx, twins.map(serviceTexts))
    expect(await wholeReads(tx)).toEqual(before)
  })
})

test('attempts are looked up for jobs with a retry policy only', async () => {
  const lookups = async (db: Reader): Promise<number | undefined> => {
    const [row] = await db.query<{ count: number }>(
      sql`select (seq_scan + idx_scan)::integer as count from pg_stat_xact_user_tables where relname = 'device_job_attempt'`,
    )
    return row?.count
  }
  const repeated = await givenMethodJob(
    deps,
    'pump',
    {},
    { rollout: { retry: { maxAttempts: 2, on: ['GatewayTimeout'] } } },
  )
  await deps.db.transaction(async (tx) => {
    await saveStarted(tx, repeated, { status: 'running', deviceCount: 20, now })
    const given = deviceIds.slice(12, 15)
    const looksUp: boolean[] = []
    for (const id of [jobId, repeated]) {
      const calls = given.map((deviceId) => ({ jobId: id, deviceId, deadline: now }))
      expect(await markCalls(deps, tx, calls)).toHaveLength(3)
      const before = await lookups(tx)
      const open = await lockOpenJobs(tx, [id])
      expect(await findStillUnderWay(tx, open, calls)).toHaveLength(3)
      await unmarkDispatched(tx, open, calls)
      looksUp.push((await lookups(tx)) !== before)
    }
    expect(looksUp).toEqual([false, true])
  })
})

test('outcomes are looked up by device, also where statistics know only jobs over one device', async () => {
  const { pool } = deps.database
  await pool.query(
    `insert into device_job_outcome (job_key, device_id, ended_time, version)
     select 1000000 + n, 'pump-0001', now(), 1 from generate_series(1, 60) n`,
  )
  await pool.query('analyze device_job_outcome')
  await deps.db.transaction(async (tx) => {
    const scansByVersion = async (): Promise<number | undefined> => {
      const [row] = await tx.query<{ count: number }>(
        sql`select pg_stat_get_xact_numscans('device_job_outcome_version'::regclass)::integer as count`,
      )
      return row?.count
    }
    const before = await scansByVersion()
    const calls = keys(deviceIds.slice(15)).map((key) => ({ ...key, deadline: now }))
    expect(await markCalls(deps, tx, calls)).toHaveLength(5)
    expect(await findWaiting(tx, deviceIds)).not.toEqual([])
    expect(await findOpenTargets(tx, jobId, '', 100, { hasWindow: false })).not.toEqual([])
    const { instanceId } = deps.lease
    expect(
      await findPending(tx, { jobId, openWave: null, zoneKey: null }, { instanceId, after: '', limit: 100 }),
    ).not.toEqual([])
    expect(await scansByVersion()).toBe(before)
  })
})
