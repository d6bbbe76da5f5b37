import { sqltag as sql } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Db } from '../../src/database/client.ts'
import { isOutage } from '../../src/database/outage.ts'
import { createTestDatabase, openTestDb, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await createTestDatabase()
  // As a server that is nearly full: there is room for four connections, and for this one.
  const name = new URL(database.url).pathname.slice(1)
  await database.pool.query(`alter database ${name} connection limit 5`)
  db = openTestDb(database.url)
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

/** Runs the work while the server has no room for another connection. */
async function onFullServer<T>(work: () => Promise<T>): Promise<T> {
  const name = new URL(database.url).pathname.slice(1)
  const holder = await database.pool.connect()
  try {
    await holder.query(`alter database ${name} connection limit 0`)
    return await work()
  } finally {
    await holder.query(`alter database ${name} connection limit 5`)
    holder.release()
  }
}

const brief = sql`select 1 as one from pg_sleep(0.02)`
const statements = (count: number) => [
  ...Array.from({ length: count }, () => db.query(brief)),
  ...Array.from({ length: count }, () => db.reads.query(brief)),
  ...Array.from({ length: count }, () => db.prisma.$queryRaw(brief)),
  ...Array.from({ length: count }, () => db.transaction((tx) => tx.query(brief))),
]

test('statements wait when the server has no room for more connections', async () => {
  for (let round = 0; round < 3; round++) {
    const rows = await Promise.all(statements(15))
    expect(rows).toEqual(rows.map(() => [{ one: 1 }]))
  }
  expect(db.trouble()).toBeUndefined()
})

test('connections that one kind of statement does not use are there for the other', async () => {
  await Promise.all(Array.from({ length: 15 }, () => db.query(brief)))
  await Promise.all(Array.from({ length: 15 }, () => db.reads.query(brief)))
  await Promise.all(Array.from({ length: 15 }, () => db.query(brief)))
  expect(db.trouble()).toBeUndefined()
})

test('a statement that finds no connection in its time ends as an outage, and the next one is answered', async () => {
  const hasty = openTestDb(database.url, { databaseWait: 500 })
  try {
    const ends = await onFullServer(() =>
      Promise.allSettled([
        hasty.query(brief),
        hasty.reads.query(brief),
        hasty.prisma.$queryRaw(brief),
        hasty.transaction((tx) => tx.query(brief)),
      ]),
    )
    expect(ends.map((end) => end.status === 'rejected' && isOutage(end.reason))).toEqual([true, true, true, true])
    await expect.poll(() => hasty.query(brief).catch(() => [])).toEqual([{ one: 1 }])
  } finally {
    await hasty.close()
  }
})
