import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BoundedRead } from '../../src/database/bounded-read.ts'
import type { Reader } from '../../src/database/reader.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { unhurried } from '../support/unhurried.ts'
import { runStatement } from './run.ts'

// One job over 100,000 devices among 100 over 1,000 each; of every job each tenth device has failed.

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
  const { pool } = deps.database
  await pool.query(`
    insert into job (id, type, status, query_condition, request, created_time, start_time, started_time,
      max_execution_time_seconds, deadline, device_count, pending_count, succeeded_count, failed_count)
    select 'job-' || n, 'scheduleDeviceMethod', 'running', '*', '{}', '2026-01-01', '2026-01-01', '2026-01-01', 3600,
      '2026-01-01T01:00:00Z', size, size / 10 * 8, size / 10, size / 10
    from (select n, case n when 50 then 100000 else 1000 end as size from generate_series(1, 101) n) sized`)
  await pool.query(`
    insert into device_job
    select key, 'device-' || lpad(n::text, 6, '0') from job cross join lateral generate_series(1, device_count) n`)
  await pool.query(`
    insert into device_job_outcome (job_key, device_id, ended_time, error_code, error_description, version)
    select job_key, device_id, '2026-01-01T00:10:00Z',
      case when device_id like '%0' then 'GatewayTimeout' end, case when device_id like '%0' then 'Silent.' end, 2
    from device_job where device_id ~ '[01]$'`)
  for (const table of ['job', 'device_job', 'device_job_dispatch', 'device_job_outcome'])
    await pool.query(`vacuum analyze ${table}`)
})
afterAll(() => deps.close())

type Plan = { readonly 'Actual Rows': number; readonly 'Actual Loops': number; readonly Plans?: readonly Plan[] }

const rowsIn = (plan: Plan): number =>
  plan['Actual Rows'] * plan['Actual Loops'] + (plan.Plans ?? []).reduce((sum, part) => sum + rowsIn(part), 0)

/** How many rows went through the statement that reads the page, all its steps together. */
async function rowsRead(text: string, continuation?: string): Promise<{ read: number; continuation?: string }> {
  let read = 0
  const db: Reader = {
    async query(sql, name) {
      const { rows } = await deps.database.pool.query<{ 'QUERY PLAN': readonly { Plan: Plan }[] }>(
        `explain (analyze, format json) ${sql.text}`,
        [...sql.values],
      )
      for (const { Plan: plan } of rows[0]?.['QUERY PLAN'] ?? []) read += rowsIn(plan)
      return deps.db.query(sql, name)
    },
  }
  const boundedRead: BoundedRead = (_asker, _ms, work) => work(unhurried(db))
  const page = await runStatement({ ...deps, db: { ...deps.db, boundedRead } }, { caller: 'tester' }, text, {
    size: 100,
    continuation,
  })
  return { read, ...(page.continuation !== undefined && { continuation: page.continuation }) }
}

test.each([
  ['SELECT * FROM devices.jobs', 5_000],
  ["SELECT * FROM devices.jobs WHERE jobId = 'job-50'", 2_000],
  ["SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'job-50' AND devices.jobs.status = 'failed'", 10_000],
  ["SELECT * FROM devices.jobs WHERE deviceId = 'device-000007'", 3_000],
  ["SELECT * FROM devices.jobs WHERE jobId = 'job-50' AND deviceId IN ['device-000007', 'device-099999']", 200],
])('%s reads at most %i rows a page, wherever the page is', async (text, limit) => {
  const first = await rowsRead(text)
  expect(first.read).toBeLessThan(limit)
  let { continuation } = first
  for (let page = 0; page < 5 && continuation !== undefined; page++) {
    const next = await rowsRead(text, continuation)
    expect(next.read).toBeLessThan(limit)
    continuation = next.continuation
  }
})
