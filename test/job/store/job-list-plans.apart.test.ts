import { sqltag as sql } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Reader } from '../../../src/database/reader.ts'
import { findAllJobs, findJobs, type JobSelection } from '../../../src/job/store/job-list.ts'
import { everything } from '../../../src/scope.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'

let deps: TestDeps
beforeAll(async () => {
  // One connection for each kind of read.
  deps = await createTestDeps(undefined, {}, { databaseReadConnections: 2 })
})
afterAll(() => deps.close())

const newestFirst = { field: 'createdTime', direction: 'desc' } as const
const firstPage = { cursor: undefined, limit: 10 }

/** How often the connection has used each of its prepared lists, and with which plans. */
const preparedLists = (db: Reader) =>
  db.query<{ custom: number; generic: number }>(
    sql`select custom_plans::integer as custom, generic_plans::integer as generic
        from pg_prepared_statements where name like 'select-jobs-%'`,
  )

test('pages with the same fields are one prepared statement on a connection', async () => {
  const columns = ['type', 'endTime']
  for (const limit of [1, 2, 3]) {
    await findAllJobs(deps.db.reads, everything, columns, newestFirst, { ...firstPage, limit })
  }
  expect(await preparedLists(deps.db.reads)).toEqual([{ custom: 3, generic: 0 }])
})

test('a page of selected jobs is prepared, and planned for the values of each read', async () => {
  const read = <T>(work: Parameters<typeof deps.db.boundedRead<T>>[2]) =>
    deps.db.boundedRead({ caller: 'a' }, 10_000, work)
  const select = (selection: JobSelection) =>
    read((db) => findJobs(db, everything, ['type'], selection, newestFirst, firstPage))
  // PostgreSQL would keep a plan for any status after five executions.
  for (let count = 0; count < 9; count++) await select({ statuses: ['completed'] })
  await select({ statuses: ['running'] })
  expect(await read(preparedLists)).toEqual([{ custom: 10, generic: 0 }])
})

test('a page of many jobs is one range of an index in each order, with and without a cursor', async () => {
  const { pool } = deps.database
  await pool.query(
    `insert into job (id, type, status, query_condition, request, created_time, start_time, end_time,
       max_execution_time_seconds, deadline)
     select 'many-' || n, 'scheduleDeviceMethod', case when n % 100 = 0 then 'queued' else 'completed' end, '*', '{}',
       now() - n * interval '1 second', now(), case when n % 100 > 0 then now() - n % 999 * interval '1 minute' end,
       60, now()
     from generate_series(1, 20000) n`,
  )
  await pool.query('analyze job')
  let plan = ''
  const explaining: Reader = {
    async query({ text, values }) {
      const { rows } = await pool.query({ text: `explain ${text}`, values: [...values] })
      plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      return []
    },
  }
  const indexes = { createdTime: 'job_created', endTime: 'job_end', jobId: 'job_pkey' } as const
  for (const field of ['createdTime', 'endTime', 'jobId'] as const) {
    for (const direction of ['asc', 'desc'] as const) {
      for (const time of field === 'endTime' ? [new Date(), null] : [new Date()]) {
        const columns = ['type', 'endTime']
        await findAllJobs(explaining, everything, columns, { field, direction }, firstPage)
        expect(plan).toMatch(
          new RegExp(`^Limit.*\\n +-> +Index Scan (Backward )?using ${indexes[field]} on job[^\\n]*$`),
        )
        await findAllJobs(
          explaining,
          everything,
          columns,
          { field, direction },
          { ...firstPage, cursor: { id: 'many-5', time } },
        )
        expect(plan).toMatch(
          new RegExp(
            `^Limit.*\\n +-> +Index Scan (Backward )?using ${indexes[field]} on job[^\\n]*\\n +Index Cond:[^\\n]*$`,
          ),
        )
      }
    }
  }
})
