import { expect, test } from 'vitest'
import { scopeOf } from '../src/query/scope.ts'
import { covers, everything, isEverything } from '../src/scope.ts'

const north = scopeOf(["tags.site = 'north'"])
const south = scopeOf(["tags.site = 'south'"])
const both = scopeOf(["tags.site = 'south'", "tags.site = 'north'"])
const nothing = scopeOf([])

test('the scope of all devices has no parts and no condition', () => {
  expect(everything).toMatchObject({ parts: null, condition: null, key: '*' })
  expect([everything, north, nothing].map(isEverything)).toEqual([true, false, false])
})

test('scopes are told apart by their keys, also within JSON', () => {
  const keys = [everything, north, south, both, nothing].map(({ key }) => key)
  expect(new Set(keys).size).toBe(keys.length)
  expect(JSON.stringify([north, 1])).toBe(JSON.stringify([north.key, 1]))
  expect(scopeOf(["tags.site = 'north'", "tags.site = 'south'"]).key).toBe(both.key)
})

test.each([
  ['all devices', 'all devices', everything, everything, true],
  ['all devices', 'some', everything, north, true],
  ['some', 'all devices', north, everything, false],
  ['some', 'the same', north, scopeOf(["tags.site = 'north'"]), true],
  ['both', 'one of them', both, north, true],
  ['one of them', 'both', north, both, false],
  ['some', 'no device', north, nothing, true],
  ['no device', 'some', nothing, north, false],
  ['no device', 'all devices', nothing, everything, false],
])('whether a scope of %s covers one of %s', (_outer, _inner, outer, inner, expected) => {
  expect(covers(outer, inner)).toBe(expected)
})
