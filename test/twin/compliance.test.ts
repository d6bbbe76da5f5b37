import { expect, test } from 'vitest'
import { complianceOf, leavesOf } from '../../src/twin/compliance.ts'

test('the leaves of a patch are where it writes or deletes, an empty object among them', () => {
  const patch = { tags: { site: 'north', plan: { floor: null, room: {} } }, desired: { list: [{ a: 1 }] } }
  expect(leavesOf(patch)).toEqual([
    { path: ['tags', 'site'], value: 'north' },
    { path: ['tags', 'plan', 'floor'], value: null },
    { path: ['tags', 'plan', 'room'], value: {} },
    { path: ['properties', 'desired', 'list'], value: [{ a: 1 }] },
  ])
  expect(leavesOf({ tags: {} })).toEqual([])
})

test('a section complies by its scalars and objects, its arrays, and what is not there', () => {
  expect(complianceOf({ a: 1, b: null, c: { d: [1], e: null, f: null, g: {} } })).toEqual({
    skeleton: { a: 1, c: { g: {} } },
    equal: [{ path: ['c', 'd'], value: [1] }],
    absent: [
      { path: [], keys: ['b'] },
      { path: ['c'], keys: ['e', 'f'] },
    ],
  })
})
