import { sqltag as sql } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inScope, meetsScope, preparedName, twinForScope } from '../../src/database/in-scope.ts'
import { createDevices } from '../../src/device/commands.ts'
import { scopeOf } from '../../src/query/scope.ts'
import { everything, type Scope } from '../../src/scope.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
  await createDevices(
    deps,
    everything,
    ['north', 'south', 'west'].map((site) => ({ deviceId: site, twin: { tags: { site } } })),
  )
})
afterAll(() => deps.close())

const north = scopeOf(["tags.site = 'north'"])
const coasts = scopeOf(["tags.site = 'north'", "tags.site = 'south'"])
const nothing = scopeOf([])

test('the scope of all devices adds no text and keeps the prepared statement', () => {
  const added = [meetsScope(everything), inScope(everything, sql`given.id`), twinForScope(everything)]
  expect(added.map(({ sql: text, values }) => [text, values])).toEqual(added.map(() => ['', []]))
  expect(preparedName(everything, 'find-it')).toBe('find-it')
})

test('a statement for a narrowed scope is not prepared, because its text varies', () => {
  expect(preparedName(north, 'find-it')).toBeUndefined()
  expect(preparedName(nothing, 'find-it')).toBeUndefined()
})

const cases: readonly [string, Scope, string[]][] = [
  ['all devices', everything, ['north', 'south', 'west']],
  ['one condition', north, ['north']],
  ['two conditions', coasts, ['north', 'south']],
  ['no condition', nothing, []],
]

test.each(cases)('devices in a scope of %s meet it where they are selected', async (_name, scope, expected) => {
  const rows = await deps.db.query<{ id: string }>(
    sql`select d.id from device d${twinForScope(scope)} where d.id <> ''${meetsScope(scope)} order by d.id`,
  )
  expect(rows.map(({ id }) => id)).toEqual(expected)
})

test.each(cases)('ids in a scope of %s are found in another table', async (_name, scope, expected) => {
  const rows = await deps.db.query<{ id: string }>(
    sql`select given.id from unnest(${['north', 'south', 'unknown', 'west']}::text[]) given (id)
        where given.id <> 'unknown'${inScope(scope, sql`given.id`)} order by id`,
  )
  expect(rows.map(({ id }) => id)).toEqual(expected)
})

test('an id without a device is in no narrowed scope', async () => {
  const rows = await deps.db.query(
    sql`select from unnest(${['unknown']}::text[]) given (id) where true${inScope(coasts, sql`given.id`)}`,
  )
  expect(rows).toEqual([])
})

test.each([sql`d.id`, sql`lower(d.id)`, sql`t.device_id`, sql`coalesce(given.id, t.device_id)`])(
  'the id must not be named by d or t: %#',
  (deviceId) => {
    for (const scope of [north, everything]) {
      expect(() => inScope(scope, deviceId)).toThrow('must not be named by d or t')
    }
  },
)

test.each([sql`target.device_id`, sql`td.id`, sql`${'d.id'}::text`, sql`format.id`])(
  'other names are fine: %#',
  (id) => {
    expect(inScope(north, id).sql).toContain('exists')
  },
)
