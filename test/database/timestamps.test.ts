import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { columnTypes } from '../../src/database/column-types.ts'
import { readTimestamp } from '../../src/database/timestamps.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const readByPg: (text: string) => unknown = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ, 'text')

test.each([
  '2026-03-01 06:30:00+00',
  '2026-03-01 06:30:00.1+00',
  '2026-03-01 06:30:00.12+00',
  '2026-03-01 06:30:00.123+00',
  '2026-03-01 06:30:00.1234+00',
  '2026-03-01 06:30:00.999999+00',
  '2024-02-29 23:59:59.000001+00',
  '1000-01-01 00:00:00+00',
  '9999-12-31 23:59:59.999999+00',
  '0001-01-01 00:00:00+00',
  '0099-12-31 23:59:59.5+00',
  '10000-01-01 00:00:00+00',
  '0044-03-15 12:00:00+00 BC',
  '1900-01-01 00:19:32+00:19:32',
  '2026-03-01 12:00:00.123+05:30',
  '2026-03-01 06:30:00-03',
  'infinity',
  '-infinity',
])('%s is the time that pg reads', (text) => {
  expect(readTimestamp(text)).toEqual(readByPg(text))
})

test('times are read as they were written, and to the millisecond', async () => {
  const client = new pg.Client({ connectionString: database.url, types: columnTypes, options: '-c timezone=UTC' })
  await client.connect()
  try {
    const days = { min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true }
    const moments = fc.sample(fc.date(days), 2000)
    const texts = moments.map((moment) => moment.toISOString())
    const statement = "select time, time + interval '999 microseconds' as later from unnest($1::timestamptz[]) time"
    const { rows } = await client.query(statement, [texts])
    expect(rows.map(({ time }) => time)).toEqual(moments)
    expect(rows.map(({ later }) => later)).toEqual(moments)
  } finally {
    await client.end()
  }
})
