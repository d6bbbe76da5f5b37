import { sqltag as sql } from '@prisma/client/runtime/client'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { columnTypes } from '../../src/database/column-types.ts'
import { queryPrepared } from '../../src/database/prepared-query.ts'
import { createTestDatabase, openTestDb, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let client: pg.Client
const described: string[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  await database.pool.query('create table note (id integer primary key, text text)')
  client = new pg.Client({ connectionString: database.url, types: columnTypes })
  await client.connect()
  await client.query("set timezone = 'UTC'")
  const { connection } = Object(client)
  connection.on('rowDescription', ({ fields }: { fields: pg.FieldDef[] }) =>
    described.push(fields.map(({ name }) => name).join()),
  )
})
afterAll(async () => {
  await client.end()
  await database.drop()
})

const run = (name: string, text: string, values: readonly unknown[] = []) =>
  queryPrepared(client, { name, text, values }, undefined)

test('rows and values are those of a statement without a name', async () => {
  const text = `select $1::text as text, $2::integer as number, $3::timestamptz as time, $4::jsonb as json, $5::text[] as list,
    null as nothing, 2::bigint as large, true as yes from generate_series(1, $6) where $7::bytea is not null`
  const values = [
    'ä 😀',
    7,
    new Date('2026-03-01T06:30:00.123Z'),
    { a: [1, null] },
    ['x', 'y, "z"'],
    3,
    Buffer.from([0]),
  ]
  const { rows } = await client.query(text, values)
  expect(rows).toHaveLength(3)
  expect(await run('types', text, values)).toEqual(rows)
  expect(await run('types', text, values)).toEqual(rows)
})

test('the columns of a statement are asked for once on a connection', async () => {
  const list = 'select $1::integer as one, $1::integer + 1 as two'
  expect(await run('columns', list, [1])).toEqual([{ one: 1, two: 2 }])
  expect(await run('columns', list, [5])).toEqual([{ one: 5, two: 6 }])
  expect(described.filter((names) => names === 'one,two')).toHaveLength(1)
})

test('a statement without rows has none', async () => {
  const insert = 'insert into note values ($1, $2)'
  expect(await run('insert', insert, [1, 'first'])).toEqual([])
  expect(await run('insert', insert, [2, null])).toEqual([])
  expect(await run('find', 'select text from note where id > $1', [9])).toEqual([])
  expect(await run('find', 'select text from note where id > $1', [1])).toEqual([{ text: null }])
})

test('a statement that PostgreSQL has refused can be executed again', async () => {
  const divide = 'select 6 / $1::integer as result'
  const stack = await run('divide', divide, [0]).catch((error: unknown) => String(Object(error).stack))
  expect(stack).toMatch(/division by zero[\s\S]*prepared-query\.test\.ts/)
  expect(await run('divide', divide, [2])).toEqual([{ result: 3 }])
  await expect(run('divide', divide, [0])).rejects.toThrow('division by zero')
  expect(await run('divide', divide, [3])).toEqual([{ result: 2 }])
})

test('a statement that cannot be parsed can be sent again', async () => {
  const early = 'select * from late where id = $1'
  await expect(run('early', early, [1])).rejects.toThrow('"late" does not exist')
  await database.pool.query('create table late as select 1 as id')
  expect(await run('early', early, [1])).toEqual([{ id: 1 }])
})

test('a name belongs to one text', async () => {
  await run('name', 'select 1 as one')
  await expect(run('name', 'select 2 as two')).rejects.toThrow('Two statements have the name "name".')
  expect(await run('name', 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a value that cannot be sent is an error before anything is sent', async () => {
  await expect(run('circle', 'select $1::jsonb as json', [circle()])).rejects.toThrow(/circular/i)
  expect(await run('circle', 'select $1::jsonb as json', [{ a: 1 }])).toEqual([{ json: { a: 1 } }])
})

function circle(): object {
  const one: { self?: object } = {}
  one.self = one
  return one
}

test('a statement is given up after its time, and its rows are dropped', async () => {
  const holder = await database.pool.connect()
  try {
    await holder.query('select pg_advisory_lock(4711)')
    const text = 'select pg_advisory_lock_shared($1)::text as locked'
    const slow = queryPrepared(client, { name: 'slow', text, values: [4711] }, 20)
    await expect(slow).rejects.toThrow('Query read timeout')
  } finally {
    await holder.query('select pg_advisory_unlock(4711)')
    holder.release()
  }
  expect(await run('columns', 'select $1::integer as one, $1::integer + 1 as two', [8])).toEqual([{ one: 8, two: 9 }])
})

test('a connection whose statement has other columns since a migration is replaced', async () => {
  const db = openTestDb(database.url)
  try {
    await database.pool.query('create table grown as select 1 as id')
    const all = () => db.query(sql`select * from grown`, 'grown')
    expect(await all()).toEqual([{ id: 1 }])
    await database.pool.query('alter table grown add column more integer default 2')
    await expect(all()).rejects.toThrow('cached plan must not change result type')
    expect(await all()).toEqual([{ id: 1, more: 2 }])
  } finally {
    await db.close()
  }
})
