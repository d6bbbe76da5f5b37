import { sqltag as sql } from '@prisma/client/runtime/client'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Db } from '../../src/database/client.ts'
import { createTestDatabase, openTestDb, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await createTestDatabase()
  db = openTestDb(database.url)
  await database.pool.query('create table note (text text primary key)')
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

const note = (text: string) => sql`insert into note values (${text}) returning text`

test('a transaction of one statement is one round trip', async () => {
  const query = vi.spyOn(pg.Client.prototype, 'query')
  const written = await db.autocommit((tx) => tx.query(note('once')))
  const statements = query.mock.calls.map(([statement]) => String(Reflect.get(Object(statement), 'text')))
  query.mockRestore()
  expect(written).toEqual([{ text: 'once' }])
  expect(statements.filter((text) => text.includes('note'))).toHaveLength(1)
  expect(statements.filter((text) => /^(begin|commit)/.test(text))).toEqual([])
})

test('it refuses a second statement, which would be another transaction', async () => {
  const twice = db.autocommit(async (tx) => {
    await tx.query(note('first'))
    await tx.query(note('second'))
  })
  await expect(twice).rejects.toThrow('A second statement would be in another transaction.')
  const { rows } = await database.pool.query("select text from note where text in ('first', 'second')")
  expect(rows).toEqual([{ text: 'first' }])
})

test('it is repeated when PostgreSQL has rolled it back because of others', async () => {
  await database.pool.query('create sequence attempt')
  await database.pool.query(
    `create function fail_once() returns bigint language plpgsql as $$
     declare count bigint := nextval('attempt');
     begin
       if count = 1 then raise exception using errcode = '40P01'; end if;
       return count;
     end $$`,
  )
  expect(await db.autocommit((tx) => tx.query(sql`select fail_once()::integer as count`))).toEqual([{ count: 2 }])
})
