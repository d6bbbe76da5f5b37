import { expect, test } from 'vitest'
import { QueryConditionError } from '../../src/errors.ts'
import { compileDeviceCondition } from '../../src/query/device-condition.ts'
import type { Fragment } from '../../src/sql-fragment.ts'

test('a condition on devices becomes SQL over the device and its twin, in which its author has values only', () => {
  const { strings, values } = compileDeviceCondition("deviceId = 'pump-1'")
  expect(strings.join('?')).toContain('d.id')
  expect(strings.join('?')).not.toContain('pump-1')
  expect(values).toEqual(['pump-1'])
  expect(strings).toHaveLength(values.length + 1)
})

test('the condition of all devices is true', () => {
  expect(compileDeviceCondition('*')).toEqual({ strings: ['true'], values: [] })
})

test('a condition that does not parse is refused with its place', () => {
  expect(() => compileDeviceCondition('deviceId = ')).toThrow(QueryConditionError)
})

test.each([
  ["tags.site = 'north' AND tags.n % 7 = 1", "tags.site = 'north'"],
  [
    "deviceId IN ['a', 'b'] AND (properties.reported.hot AND desired.x > 1)",
    "deviceId IN ['a', 'b'] AND properties.reported.hot",
  ],
  [
    'tags.a = 1 AND tags.b = 1 AND tags.c = 1 AND tags.d = 1 AND tags.e = 1',
    'tags.a = 1 AND tags.b = 1 AND tags.c = 1 AND tags.d = 1',
  ],
])('of %s an index can answer %s', (condition, lookups) => {
  expect(bare(compileDeviceCondition(condition).lookups)).toEqual(bare(compileDeviceCondition(lookups)))
})

test.each([
  ['another operator', 'tags.n > 1'],
  ['a disjunction', "tags.site = 'north' OR tags.n = 1"],
  ['a negation', "NOT tags.site = 'north'"],
  ['two members', 'tags.a = tags.b'],
  ['members without an index', "properties.reported.$version = 1 AND status = 'enabled'"],
  ['a long list', `tags.n IN [${Array.from({ length: 17 }, (_, n) => n).join(', ')}]`],
])('%s is no look-up', (_what, condition) => {
  expect(compileDeviceCondition(condition).lookups).toBeUndefined()
})

/** The condition without the parentheses of conjunctions, and its values. */
const bare = (fragment: Fragment | undefined) => [fragment?.strings.join('?').replaceAll(/[()]/g, ''), fragment?.values]
