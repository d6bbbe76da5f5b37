import { sqltag as sql } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Db } from '../../src/database/client.ts'
import { isOutage, isTemporary, temporaryMessage } from '../../src/database/outage.ts'
import { createTestDatabase, openTestDb, type TestDatabase } from '../support/database.ts'

// The server is there, and does not carry a statement out.

let database: TestDatabase
let db: Db
/** Its statements may take 400 ms. */
let hurried: Db
beforeAll(async () => {
  database = await createTestDatabase()
  await database.pool.query(
    `create function fail(state text) returns int language plpgsql volatile as
     $$begin raise exception 'as told' using errcode = state; end$$`,
  )
  db = openTestDb(database.url)
  hurried = openTestDb(database.url, { databaseStatement: 400 })
})
afterAll(async () => {
  await Promise.all([db.close(), hurried.close()])
  await database.drop()
})

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'none',
    (error: unknown) => error,
  )
const shown = (errors: readonly unknown[]) => errors.map((error) => [isOutage(error), temporaryMessage(error)])
const busy = (reason: string) => [
  false,
  `${reason} Retry later. If the request was to change something, the change may have been made.`,
]

test('a statement that waits too long for a lock is told to come again', async () => {
  const holder = await database.pool.connect()
  try {
    await holder.query('begin')
    await holder.query('lock table device in access exclusive mode')
    const errors = await Promise.all([
      errorOf(hurried.query(sql`select id from device`)),
      errorOf(hurried.prisma.device.findMany()),
      errorOf(hurried.transaction((tx) => tx.query(sql`select id from device`))),
    ])
    expect(shown(errors)).toEqual(Array(3).fill(busy('The database of the hub waited too long for a lock.')))
  } finally {
    await holder.query('rollback')
    holder.release()
  }
})

test('a statement that takes too long is told to come again', async () => {
  const slow = sql`select 1 as one from pg_sleep(60)`
  const errors = await Promise.all([
    errorOf(hurried.reads.query(slow)),
    errorOf(hurried.prisma.$queryRaw(slow)),
    errorOf(hurried.transaction((tx) => tx.query(slow), 300)),
  ])
  expect(shown(errors)).toEqual(Array(3).fill(busy('The database of the hub took too long.')))
})

test.each([
  ['40001', 'The change collided with other changes again and again.', 5],
  ['40P01', 'The change collided with other changes again and again.', 5],
  ['53100', 'The disk of the database of the hub is full.', 1],
  ['53200', 'The database of the hub is out of memory.', 1],
  ['53400', 'A limit of the database of the hub is too low for this request.', 1],
])('a transaction that ends with %s is told to come again', async (state, reason, attempts) => {
  const fail = sql`select fail(${state})`
  let count = 0
  const inTransaction = await errorOf(
    db.transaction((tx) => {
      count++
      return tx.query(fail)
    }),
  )
  expect(count).toBe(attempts)
  const others = [await errorOf(db.reads.query(fail)), await errorOf(db.prisma.$queryRaw(fail))]
  expect(shown([inTransaction, ...others])).toEqual(Array(3).fill(busy(reason)))
  expect(await db.transaction((tx) => tx.query(sql`select 1 as one`))).toEqual([{ one: 1 }])
})

test('two transactions that wait for each other are both carried out', async () => {
  await database.pool.query('create table counter (name text primary key, count int)')
  await database.pool.query("insert into counter values ('a', 0), ('b', 0)")
  let arrived = 0
  let bothHold = (): void => {}
  const held = new Promise<void>((resolve) => {
    bothHold = resolve
  })
  let attempts = 0
  const change = (first: string, second: string) =>
    db.transaction(async (tx) => {
      attempts++
      await tx.query(sql`update counter set count = count + 1 where name = ${first}`)
      if (++arrived === 2) bothHold()
      await held
      await tx.query(sql`update counter set count = count + 1 where name = ${second}`)
    })
  await Promise.all([change('a', 'b'), change('b', 'a')])
  expect(attempts).toBeGreaterThan(2)
  expect((await database.pool.query('select count from counter')).rows).toEqual([{ count: 2 }, { count: 2 }])
})

test.each(['25P03', '25P04', '57P05'])(
  'a connection that the server closes with %s while a statement is on its way ends as an outage',
  async (state) => {
    const fail = sql`select fail(${state})`
    const errors = [
      await errorOf(db.transaction((tx) => tx.query(fail))),
      await errorOf(db.reads.query(fail)),
      await errorOf(db.prisma.$queryRaw(fail)),
    ]
    expect(errors.map(isOutage)).toEqual([true, true, true])
  },
)

test('changes on a server that is read-only are told to come again, and a new connection is tried', async () => {
  const change = sql`update device set status = status`
  const pidOf = (from: Db) => from.transaction((tx) => tx.query(sql`select pg_backend_pid() as pid`))
  const { rows } = await database.pool.query('select current_database() as name')
  await database.pool.query(`alter database ${rows[0].name} set default_transaction_read_only = on`)
  const hub = openTestDb(database.url, { databaseConnections: 1 })
  try {
    const before = await pidOf(hub)
    const inTransaction = await errorOf(hub.transaction((tx) => tx.query(change)))
    expect(await pidOf(hub)).not.toEqual(before)
    const others = [await errorOf(hub.query(change)), await errorOf(hub.prisma.$executeRaw(change))]
    expect(shown([inTransaction, ...others])).toEqual(Array(3).fill(busy('The database of the hub is read-only.')))
    expect(await hub.reads.query(sql`select 1 as one`)).toEqual([{ one: 1 }])
  } finally {
    await hub.close()
    await database.pool.query(`alter database ${rows[0].name} reset default_transaction_read_only`)
  }
})

test('a fault of the hub is not temporary', async () => {
  const errors = [await errorOf(db.query(sql`select 1 / 0`)), new Error('broken'), '40001', { code: '40001' }]
  expect(errors.map(isTemporary)).toEqual([false, false, false, false])
})
