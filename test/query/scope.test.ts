import { expect, test } from 'vitest'
import { QueryConditionError } from '../../src/errors.ts'
import { compileDeviceCondition } from '../../src/query/device-condition.ts'
import { printScope, scopeOf, scopeOfJob } from '../../src/query/scope.ts'
import { everything } from '../../src/scope.ts'

const textOf = (fragment: { readonly strings: readonly string[] } | null) => fragment?.strings.join('?')

test('a scope is the union of its conditions, sorted and each once', () => {
  const scope = scopeOf(["tags.site = 'south'", "tags.site = 'north'", "tags.site = 'south'"])
  expect(scope.parts).toEqual(["tags.site = 'north'", "tags.site = 'south'"])
  const [north, south] = scope.parts?.map((part) => compileDeviceCondition(part)) ?? []
  expect(textOf(scope.condition)).toBe(`(${textOf(north ?? null)}) or (${textOf(south ?? null)})`)
  expect(scope.condition?.values).toEqual([...(north?.values ?? []), ...(south?.values ?? [])])
})

test('conditions that differ in what surrounds them are one part', () => {
  expect(scopeOf([' tags.a = 1 ', 'FROM devices WHERE tags.a = 1', 'tags.a = 1']).parts).toEqual(['tags.a = 1'])
})

test('a union with * has every device, but the other conditions must parse', () => {
  expect(scopeOf(['tags.a = 1', '*'])).toBe(everything)
  expect(() => scopeOf(['*', 'tags.a ='])).toThrow(QueryConditionError)
})

test('no conditions at all have no device', () => {
  const scope = scopeOf([])
  expect(scope.parts).toEqual([])
  expect(textOf(scope.condition)).toBe('false')
})

test('the first condition that does not parse is refused with its position', () => {
  expect(() => scopeOf(['tags.a = 1', "tags.site = 'north' AND", 'tags.b ='])).toThrow(/\(line 1, column 24\)$/)
})

test('a job keeps the parts of a scope, or none for every device', () => {
  expect(scopeOfJob(null)).toBe(everything)
  expect(scopeOfJob(['tags.a = 1']).key).toBe(scopeOf(['tags.a = 1']).key)
  expect(scopeOfJob([]).parts).toEqual([])
})

test.each([
  [['*'], null],
  [[], 'false'],
  [['tags.a = 1'], 'tags.a = 1'],
  [['tags.b = 1 OR tags.c = 2', 'tags.a = 1'], '(tags.a = 1) OR (tags.b = 1 OR tags.c = 2)'],
])('%j is shown as one condition', (conditions, shown) => {
  expect(printScope(scopeOf(conditions))).toBe(shown)
  if (shown !== null) expect(scopeOf([shown]).parts).toEqual([shown])
})
