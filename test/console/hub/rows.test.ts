import { expect, test } from 'vitest'
import { refreshRows, withoutDoubles } from '../../../src/console/hub/rows.ts'

const row = (key: string, version: number) => ({ key, version })
const keyOf = ({ key }: { readonly key: string }) => key

test('rows that are read again change at their places; others are counted and left out', () => {
  const known = [row('c', 1), row('b', 1), row('a', 1)]
  const read = [row('e', 1), row('c', 2), row('d', 1), row('b', 3)]
  expect(refreshRows(known, read, keyOf)).toEqual({ rows: [row('c', 2), row('b', 3), row('a', 1)], others: 2 })
})

test('a row that should have been among those that were read, and was not, is gone', () => {
  const known = [row('d', 1), row('c', 1), row('b', 1), row('a', 1)]
  expect(refreshRows(known, [row('d', 2), row('b', 2)], keyOf)).toEqual({
    rows: [row('d', 2), row('b', 2), row('a', 1)],
    others: 0,
  })
})

test('a row that comes twice is shown once, as it came first', () => {
  expect(withoutDoubles([row('a', 2), row('b', 1), row('a', 1)], keyOf)).toEqual([row('a', 2), row('b', 1)])
})
