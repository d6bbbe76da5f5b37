import { expect, test } from 'vitest'
import { clockDifference, clockFault } from '../../src/database/clock-difference.ts'

test.each([
  ['between the two readings', { before: 1_000, time: 1_500, after: 4_000 }, 0],
  ['at the first reading', { before: 1_000, time: 1_000, after: 4_000 }, 0],
  ['after both', { before: 1_000, time: 6_000, after: 4_000 }, 2_000],
  ['before both', { before: 1_000, time: 400, after: 4_000 }, -600],
])('a time of the database %s differs by what is certain', (_when, readings, difference) => {
  expect(clockDifference(readings)).toBe(difference)
})

test('a wrong clock is said to be ahead or behind', () => {
  expect(clockFault(-61_234.4)).toMatch(/^The clock of this machine is 61,234 ms ahead of that of the database\./)
  expect(clockFault(1_500)).toMatch(/ is 1,500 ms behind that of the database\./)
})
