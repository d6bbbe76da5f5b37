import { sqltag as sql } from '@prisma/client/runtime/client'
import { expect, test } from 'vitest'
import { withInsert } from '../../src/database/with-insert.ts'

const insert = sql`insert into note values (${1}, ${2})`

test.each([
  ['select', sql`select id from device where id = ${3}`],
  ['insert', sql`insert into device values (${3})`],
  ['update', sql`update device set etag = ${3}`],
  ['delete', sql`delete from device where id = ${3}`],
])('an insert is put in front of a statement that begins with %s', (_keyword, statement) => {
  const joined = withInsert(insert, statement)
  expect(joined?.text).toBe(
    `with joined_insert as (insert into note values ($1, $2)) ${statement.text.replace('$1', '$3')}`,
  )
  expect(joined?.values).toEqual([1, 2, 3])
})

test('an insert is put in front of the first of the expressions that a statement has', () => {
  const joined = withInsert(insert, sql`with one as (select ${3}), two as (select ${4}) select from one, two`)
  expect(joined?.text).toBe(
    'with joined_insert as (insert into note values ($1, $2)), one as (select $3), two as (select $4) select from one, two',
  )
  expect(joined?.values).toEqual([1, 2, 3, 4])
})

test('expressions that are recursive stay so', () => {
  const joined = withInsert(
    insert,
    sql`
    with recursive one as (select ${3} union all select from one) select from one`,
  )
  expect(joined?.text).toMatch(/^with recursive joined_insert as \(insert .*\), one as \(select \$3 union/)
})

test.each([['savepoint one'], ['set local lock_timeout = 1'], ['withdraw'], ['']])(
  'a statement that cannot have an insert, such as %j, gets none',
  (text) => {
    expect(withInsert(insert, sql([text]))).toBeUndefined()
  },
)
