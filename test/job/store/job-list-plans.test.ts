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
