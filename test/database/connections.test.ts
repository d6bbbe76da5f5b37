import { getPriority } from 'node:os'
import { sqltag as sql } from '@prisma/client/runtime/client'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createDb, type Db } from '../../src/database/client.ts'
import type { Reader } from '../../src/database/reader.ts'
import { serversOf } from '../../src/database/servers.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let db: Db
const heard: string[] = []
const log = pino({}, { write: (line) => heard.push(JSON.parse(line).msg) })
beforeAll(async () => {
  database = await createTestDatabase()
  db = createDb(serversOf(database.url), { limits: defaultLimits, log })
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

const ownPid = sql`select pg_backend_pid() as pid`
/** Ends a connection, and resolves when it is gone. */
const cut = (pid: unknown) => database.pool.query('select pg_terminate_backend($1, 10000)', [pid])

test('a connection that is cut between two statements of a transaction fails that transaction only', async () => {
  const cutOff = db.transaction(async (tx) => {
    await cut((await tx.query(ownPid))[0]?.pid)
    await tx.query(ownPid)
  })
  await expect(cutOff).rejects.toThrow()
  expect(await db.transaction((tx) => tx.query(sql`select 1 as one`))).toEqual([{ one: 1 }])
})

test('a connection that is cut during a statement of a transaction fails that transaction only', async () => {
  const cutOff = db.transaction(async (tx) => {
    const [own] = await tx.query(ownPid)
    await Promise.all([tx.query(sql`select pg_sleep(60)`), cut(own?.pid)])
  })
  await expect(cutOff).rejects.toThrow()
  expect(await db.transaction((tx) => tx.query(sql`select 1 as one`))).toEqual([{ one: 1 }])
})

test('connections that are cut while nobody uses them are replaced', async () => {
  const pids = await Promise.all(Array.from({ length: 4 }, () => db.query(ownPid)))
  for (const [own] of pids) await cut(own?.pid)
  await expect.poll(() => heard).toEqual(Array(4).fill('database connection lost'))
  expect(await db.transaction((tx) => tx.query(sql`select 1 as one`))).toEqual([{ one: 1 }])
})

// Another server than the embedded one may run anywhere.
test.skipIf(process.env.TEST_DATABASE_URL !== undefined)(
  'the processes of the embedded server for bounded reads have a lower priority, and no others',
  async () => {
    const embedded = createDb(serversOf(database.url), { limits: defaultLimits, log, isEmbedded: true })
    onTestFinished(() => embedded.close())
    const niceOf = async (reader: Pick<Reader, 'query'>): Promise<number> =>
      getPriority(Number((await reader.query(ownPid))[0]?.pid))
    const usual = await niceOf(db.reads)
    expect(await embedded.boundedRead({ caller: 'a' }, 10_000, niceOf)).toBe(10)
    expect(await niceOf(embedded.reads)).toBe(usual)
    expect(await embedded.transaction(niceOf)).toBe(usual)
    expect(await db.boundedRead({ caller: 'a' }, 10_000, niceOf)).toBe(usual)
  },
)
