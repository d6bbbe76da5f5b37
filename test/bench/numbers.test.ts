import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { median, percentile, spread } from '../../bench/numbers.ts'

describe('median', () => {
  test.each([
    [[3], 3],
    [[30, 1, 2], 2],
    [[10, 9, 8, 1], 8.5],
    [[], Number.NaN],
  ])('of %j is %d', (values, expected) => expect(median(values)).toBe(expected))

  test('leaves the values in their order', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })

  test('has as many values below it as above it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const middle = median(values)
        const below = values.filter((value) => value < middle).length
        const above = values.filter((value) => value > middle).length
        expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2)
      }),
    )
  })
})

test.each([
  [[5], 0],
  [[4, 4], 0],
  [[8, 10, 12], 0.4],
  [[1, 10, 10], 0.9],
])('the spread of %j is %d of its median', (values, expected) => expect(spread(values)).toBeCloseTo(expected))

test.each([
  [[3, 1, 2], 0.99, 3],
  [Array.from({ length: 100 }, (_, index) => 100 - index), 0.99, 99],
  [[5, 7], 0.5, 5],
  [[], 0.5, Number.NaN],
])('of %j a share of %d does not exceed %d', (values, share, expected) => {
  expect(percentile(values, share)).toBe(expected)
})
