import { expect, test } from 'vitest'
import { mergeReport } from '../../../src/console/definition/merge.ts'

const row = (id: string, etag = '1') => ({ id, etag })
const merge = (ids: string, report: { changed?: ReturnType<typeof row>[]; gone?: string[] }, hasMore = false) =>
  mergeReport(
    [...ids].map((id) => row(id)),
    { changed: [], gone: [], ...report },
    { nameOf: ({ id }) => id, hasMore },
  )

test('a row that changes stays in its place, and one that is created gets its place by its name', () => {
  expect(merge('bd', { changed: [row('d', '2'), row('c'), row('a')] })).toEqual([
    row('a'),
    row('b'),
    row('c'),
    row('d', '2'),
  ])
})

test('a row that is deleted goes', () => {
  expect(merge('abc', { gone: ['b', 'x'] })).toEqual([row('a'), row('c')])
})

test('what belongs on a page that is not read yet is left to that page', () => {
  expect(merge('bd', { changed: [row('c'), row('e')] }, true)).toEqual([row('b'), row('c'), row('d')])
  expect(merge('', { changed: [row('a')] }, true)).toEqual([])
})

test('the list is the same when nothing is reported, so that nothing is drawn anew', () => {
  const rows = [row('a')]
  expect(mergeReport(rows, { changed: [], gone: [] }, { nameOf: ({ id }) => id, hasMore: false })).toBe(rows)
})
