import { describe, expect, test } from 'vitest'
import { type Chosen, noneChosen, toggleRow, toggleRows } from '../../../src/console/ui/selection.ts'

const list = ['a', 'b', 'c', 'd', 'e']
const click = (chosen: Chosen, key: string, isRange = false): Chosen => toggleRow(chosen, list, key, { isRange })

describe('a row', () => {
  test('is selected by one click and no longer by the next', () => {
    const once = click(noneChosen, 'b')
    expect([...once.keys]).toEqual(['b'])
    expect([...click(once, 'b').keys]).toEqual([])
  })

  test('is selected with all rows from the one that was clicked before, in both directions', () => {
    expect([...click(click(noneChosen, 'b'), 'd', true).keys]).toEqual(['b', 'c', 'd'])
    expect([...click(click(noneChosen, 'd'), 'b', true).keys].sort()).toEqual(['b', 'c', 'd'])
    const less = click(click(click(noneChosen, 'a'), 'e', true), 'c', true)
    expect([...less.keys]).toEqual(['a', 'b'])
  })

  test('is alone in a range that begins nowhere, or at a row that is gone', () => {
    expect([...click(noneChosen, 'c', true).keys]).toEqual(['c'])
    expect([...click({ keys: new Set(['z']), anchor: 'z' }, 'c', true).keys]).toEqual(['z', 'c'])
  })
})

test('all rows are selected, also those that were not yet, and none after that', () => {
  const all = toggleRows(click(noneChosen, 'b'), list)
  expect([...all.keys]).toEqual(list)
  expect(toggleRows(all, list)).toEqual(noneChosen)
})
