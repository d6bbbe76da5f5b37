import { expect, test } from 'vitest'
import { readSort, type Sort, turnSort, writeSort } from '../../../src/console/ui/sort.ts'

const keys = ['created', 'end'] as const
const byDefault: Sort<'created' | 'end'> = { key: 'created', direction: 'DESC' }
const read = (address: string) => readSort(new URLSearchParams(address), keys, byDefault)

test('the address has the order, and nothing for the default one', () => {
  for (const key of keys) {
    for (const direction of ['ASC', 'DESC'] as const) {
      const written = writeSort({ key, direction }, new URLSearchParams('id=a&sort=end'), byDefault)
      expect(readSort(written, keys, byDefault)).toEqual({ key, direction })
      expect(written.get('id')).toBe('a')
    }
  }
  expect(writeSort(byDefault, new URLSearchParams('sort=end'), byDefault).toString()).toBe('')
  expect(read('sort=-end')).toEqual({ key: 'end', direction: 'DESC' })
})

test('an order that the hub does not have is the default one', () => {
  for (const address of ['', 'sort=', 'sort=-', 'sort=status', 'sort=--end']) expect(read(address)).toEqual(byDefault)
})

test('a click on another column takes its own direction, and another click turns it', () => {
  const first = turnSort(byDefault, { key: 'end', direction: 'DESC' })
  expect(first).toEqual({ key: 'end', direction: 'DESC' })
  expect(turnSort(first, { key: 'end', direction: 'DESC' })).toEqual({ key: 'end', direction: 'ASC' })
  expect(turnSort({ key: 'end', direction: 'ASC' }, { key: 'end', direction: 'DESC' })).toEqual(first)
})
