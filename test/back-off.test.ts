import { expect, test } from 'vitest'
import { backOff } from '../src/back-off.ts'

const policy = { first: 100, longest: 3_000 }

test('a pause doubles with each failure, up to the longest', () => {
  const pauses = (failures: number) => Array.from({ length: 200 }, () => backOff(policy, failures))
  for (const [failures, most] of [
    [0, 100],
    [1, 200],
    [4, 1_600],
    [5, 3_000],
    [2_000, 3_000],
  ] as const) {
    const drawn = pauses(failures)
    expect(Math.max(...drawn)).toBeLessThanOrEqual(most)
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(most / 2)
  }
})

test('those that failed together do not try again together', () => {
  expect(new Set(Array.from({ length: 100 }, () => backOff(policy, 3))).size).toBeGreaterThan(50)
})
