import { sqltag as sql } from '@prisma/client/runtime/client'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Db } from '../../src/database/client.ts'
import { isOutage } from '../../src/database/outage.ts'
import { createTestDatabase, openTestDb, type TestDatabase } from '../support/database.ts'
import { type Line, openLine } from '../support/line.ts'

let database: TestDatabase
let line: Line
let db: Db
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  line = await openLine(database.url)
  db = openTestDb(line.url)
})
afterEach(async () => {
  await line.close()
  await db.close()
})

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
/** What comes of a read by the driver, and of one by Prisma. */
const readBoth = () =>
  Promise.all([errorOf(db.reads.query(sql`select id from device`)), errorOf(db.prisma.device.findMany())])
const outages = async () => (await readBoth()).map(isOutage)

test('a database that answers is there', async () => {
  expect(await readBoth()).toEqual([undefined, undefined])
})

test('one that refuses connections, drops them or is starting up is away', async () => {
  line.cut('starting')
  expect(await outages()).toEqual([true, true])
  line.cut('dropping')
  expect(await outages()).toEqual([true, true])
  await line.close()
  expect(await outages()).toEqual([true, true])
})

const waiting = "from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"

test.each([
  ['is ended by an administrator', () => database.pool.query(`select pg_terminate_backend(pid) ${waiting}`), true],
  ['breaks', async () => line.cut(), true],
  [
    'goes on, and only the statement is cancelled',
    () => database.pool.query(`select pg_cancel_backend(pid) ${waiting}`),
    false,
  ],
])('while a read is under way its connection %s', async (_, act, expected) => {
  const holder = await database.pool.connect()
  try {
    await holder.query('begin')
    await holder.query('lock table device in access exclusive mode')
    const errors = readBoth()
    await expect.poll(async () => (await database.pool.query(`select ${waiting}`)).rows.length).toBe(2)
    await act()
    const [driver, prisma] = await errors
    expect(driver).toBeInstanceOf(Error)
    expect([driver, prisma].map(isOutage)).toEqual([expected, expected])
  } finally {
    await holder.query('rollback')
    holder.release()
  }
})

test('what is wrong with a statement, or with who sends it, is no outage', async () => {
  const none = openTestDb(`${database.url}_none`)
  const errors = [
    await errorOf(db.query(sql`select 1 / 0`)),
    await errorOf(db.prisma.$queryRaw(sql`select * from nothing`)),
    await errorOf(none.query(sql`select 1`)),
    await errorOf(none.prisma.device.findMany()),
    new Error('broken'),
    'ECONNREFUSED',
  ]
  await none.close()
  expect(errors).not.toContain(undefined)
  expect(errors.map(isOutage)).toEqual(errors.map(() => false))
})
