import { sqltag as sql } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inScope, meetsScope } from '../../src/database/in-scope.ts'
import { parseCondition } from '../../src/query/parser.ts'
import { scopeOf } from '../../src/query/scope.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { statementOf } from './fleet.ts'

// 100,000 devices, of which any one of the conditions below selects some hundred at most. Their twins are so large that
// no plan that reads them all costs about as little as one by an index.

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  await database.pool.query(`
    insert into device (id, generation_id, created_time, status, connection_state, connection_id, instance_id)
    select 'device-' || lpad(n::text, 6, '0'), 'g', '2024-01-01',
      case n % 1000 when 3 then 'disabled' else 'enabled' end,
      case n % 1000 when 5 then 'connected' else 'disconnected' end, 'c', 'i'
    from generate_series(1, 100000) n`)
  await database.pool.query(`
    insert into twin (device_id, tags, desired, reported)
    select 'device-' || lpad(n::text, 6, '0'),
      jsonb_build_object('site', 's' || n % 1000, 'floor', n % 7),
      jsonb_build_object('fw', jsonb_build_object('version', '1.' || n % 1000), 'notes', repeat('-', 200)),
      jsonb_build_object('battery', n % 1000, 'online', n % 1000 = 0)
    from generate_series(1, 100000) n`)
  // Vacuum empties the index's list of pending entries, as autovacuum does in a database at work.
  await database.pool.query('vacuum analyze device')
  await database.pool.query('vacuum analyze twin')
})
afterAll(() => database.drop())

const explain = async (condition: string): Promise<string> => {
  const { text, values } = statementOf(parseCondition(condition))
  const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values)
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

test.each([
  ["tags.site = 's1'", 'twin_tags'],
  ["properties.desired.fw.version = '1.1'", 'twin_desired'],
  ['properties.reported.battery = 7', 'twin_reported'],
  ['properties.reported.online', 'twin_reported'],
  ["tags.site IN ['s1', 's2']", 'twin_tags'],
  ["NOT (tags.site != 's1')", 'twin_tags'],
  ["tags.floor > 1 AND tags.site = 's1'", 'twin_tags'],
  ["tags.site = 's1' OR properties.reported.battery = 7", 'BitmapOr'],
  ["deviceId = 'device-000007'", '_pkey'],
  ["deviceId IN ['device-000007', 'device-000008']", '_pkey'],
  ["STARTSWITH(deviceId, 'device-00000')", '_pkey'],
  ["deviceId > 'device-0999'", '_pkey'],
  ["connectionState = 'Connected'", 'device_connection'],
  ["connectionState != 'Disconnected'", 'device_connection'],
  ["NOT (connectionState >= 'D')", 'device_connection'],
  ["STARTSWITH(connectionState, 'Con')", 'device_connection'],
  ["connectionState IN ['Connected', 'connected']", 'device_connection'],
  ["status = 'disabled'", 'device_disabled'],
  ["status NIN ['enabled'] AND tags.floor = 1", 'device_disabled'],
])('%s is answered by %s', async (condition, index) => {
  const plan = await explain(condition)
  expect(plan).toContain(index)
  expect(plan).not.toContain('Seq Scan on twin')
})

test('a list of the devices in a scope is answered by the index of its property, and a lookup by keys', async () => {
  const scope = scopeOf(["tags.site = 's1'", "tags.site = 's2'"])
  const id = sql`'device-000007'`
  for (const [statement, index] of [
    [sql`select d.id from device d join twin t on t.device_id = d.id where true${meetsScope(scope)}`, 'twin_tags'],
    [sql`select from device where device.id = ${id}${inScope(scope, sql`device.id`)}`, '_pkey'],
  ] as const) {
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`explain ${statement.text}`, statement.values)
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toContain(index)
    expect(plan).not.toContain('Seq Scan on twin')
  }
})

type Plan = {
  readonly 'Actual Rows': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly Plan[]
}

const rowsOf = (plan: Plan): number =>
  Math.max(plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0), ...(plan.Plans ?? []).map(rowsOf))

test.each([
  ["connectionState = 'Connected'", 51],
  ["connectionState = 'Disconnected'", 51],
  ["connectionState = 'Connected' AND status = 'disabled'", 100],
  ["connectionState = 'connected'", 0],
])('a page of devices that meet %s reads %i devices, wherever they are', async (condition, count) => {
  // All of them at the end of the order, which no statistics know.
  await database.pool.query(`update device set connection_state = 'disconnected'`)
  await database.pool.query(`update device set connection_state = 'connected' where id > 'device-099000'`)
  const { text, values } = statementOf(parseCondition(condition))
  const { rows } = await database.pool.query<{ 'QUERY PLAN': readonly { Plan: Plan }[] }>(
    `explain (analyze, format json) ${text} limit 51`,
    values,
  )
  expect(rows[0]?.['QUERY PLAN'][0] && rowsOf(rows[0]['QUERY PLAN'][0].Plan)).toBe(count)
})
