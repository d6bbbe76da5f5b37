import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  findView,
  listPages,
  longestName,
  problemOf,
  readViews,
  renamed,
  type SavedView,
  withoutView,
  withView,
} from '../../../src/console/views/saved-views.ts'

const failed: SavedView = { page: 'jobs', name: 'Failed', search: 'outcome=failed' }
const north: SavedView = { page: 'devices', name: 'North', search: 'condition=tags.site+%3D+%27north%27' }
const sameName: SavedView = { page: 'devices', name: 'Failed', search: 'id=pump' }

const anyView = fc.record({
  page: fc.constantFrom(...listPages),
  name: fc.string({ minLength: 1, maxLength: longestName }).filter((name) => name.trim() !== ''),
  search: fc.string(),
})

test('views that are stored are read again', () => {
  fc.assert(
    fc.property(fc.uniqueArray(anyView, { selector: ({ page, name }) => `${page} ${name}` }), (views) => {
      expect(readViews(JSON.stringify(views))).toEqual(views)
    }),
  )
})

describe('bad content of the storage is ignored', () => {
  test.each([null, '', 'no JSON', '{}', 'null', '"text"', '[1, null, [], "a"]'])('%j has no views', (text) => {
    expect(readViews(text)).toEqual([])
  })
  test('of several, the good ones remain', () => {
    const bad = [
      { ...failed, page: 'schedule' },
      { ...failed, name: '' },
      { ...failed, name: 'n'.repeat(longestName + 1) },
      { ...failed, search: 1 },
      { page: 'jobs', name: 'no search' },
    ]
    expect(readViews(JSON.stringify([...bad, failed, { ...failed, search: 'second of its name' }, north]))).toEqual([
      failed,
      north,
    ])
  })
  test('whatever it is', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(readViews(text)).toBeInstanceOf(Array)
      }),
    )
  })
})

test('a view is added at the end, and replaces the one with its name on the same page', () => {
  const views = [failed, north].reduce<readonly SavedView[]>(withView, [])
  expect(withView(views, sameName)).toEqual([failed, north, sameName])
  const changed = { ...failed, search: 'outcome=failed&sort=end' }
  expect(withView(views, changed)).toEqual([changed, north])
  expect(findView([failed, sameName], sameName)).toBe(sameName)
})

test('a view is renamed at its place, and deleted, and the one with its name on another page is not', () => {
  expect(renamed([failed, sameName], failed, 'Broken')).toEqual([{ ...failed, name: 'Broken' }, sameName])
  expect(withoutView([failed, sameName], failed)).toEqual([sameName])
})

test.each([
  ['', 'Enter a name.'],
  ['  ', 'Enter a name.'],
  ['n'.repeat(61), 'A name has at most 60 characters.'],
  ['n'.repeat(60), undefined],
])('a name %j has the problem %j', (name, problem) => {
  expect(problemOf(name)).toBe(problem)
})
