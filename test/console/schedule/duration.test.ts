import fc from 'fast-check'
import { expect, test } from 'vitest'
import { secondsOf, spanOf, units } from '../../../src/console/pages/schedule/duration.ts'

test('a span is read in its unit, also with a fraction that makes whole seconds', () => {
  expect(secondsOf({ amount: '90', unit: 's' })).toBe(90)
  expect(secondsOf({ amount: ' 1.5 ', unit: 'h' })).toBe(5_400)
  expect(secondsOf({ amount: '1.1', unit: 'h' })).toBe(3_960)
  expect(secondsOf({ amount: '30', unit: 'd' })).toBe(2_592_000)
})

test('what is no number of whole seconds is not read', () => {
  for (const amount of ['', 'soon', '-1', '1e3', '1,5', '0.01', '99999999999']) {
    expect(secondsOf({ amount, unit: 'min' }), amount).toBeUndefined()
  }
})

test('seconds are shown in the largest unit without a fraction', () => {
  expect(spanOf(3_600)).toEqual({ amount: '1', unit: 'h' })
  expect(spanOf(5_400)).toEqual({ amount: '90', unit: 'min' })
  expect(spanOf(0)).toEqual({ amount: '0', unit: 's' })
})

test('what is shown is read as the same seconds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3_000 }),
      fc.constantFrom(...units.map(({ seconds }) => seconds)),
      (count, size) => {
        expect(secondsOf(spanOf(count * size))).toBe(count * size)
      },
    ),
  )
})
