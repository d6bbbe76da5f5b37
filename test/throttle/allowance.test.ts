import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Allowance, newAllowance, renew } from '../../src/throttle/allowance.ts'

/** Uses units one by one until none are left, and answers how many there were. */
function useUp(allowance: Allowance, now: number): number {
  let used = 0
  while (renew(allowance, now) === 0) {
    allowance.left--
    used++
  }
  return used
}

test('two seconds of the rate may be used at once, and then what it gives, a tenth of a second at a time', () => {
  const allowance = newAllowance(50, 0)
  expect(useUp(allowance, 0)).toBe(100)
  expect(renew(allowance, 0)).toBe(100)
  expect(useUp(allowance, 100)).toBe(5)
  expect(useUp(allowance, 10_000)).toBe(50)
})

test('after a pause there is no more than at the start', () => {
  const allowance = newAllowance(50, 0)
  allowance.left = 20
  expect(useUp(allowance, 60_000)).toBe(70)
})

test('what was used on credit is paid for before there is more', () => {
  const allowance = newAllowance(10, 0)
  allowance.left -= 35
  expect(renew(allowance, 0)).toBe(1_600)
  expect(renew(allowance, 1_599)).toBe(1)
  expect(useUp(allowance, 1_600)).toBe(1)
})

test('no more is used than two seconds of the rate, what it gave, and the last credit; and a wait is long enough', () => {
  const steps = fc.array(fc.tuple(fc.nat(1_500), fc.integer({ min: 1, max: 40 })), { maxLength: 60 })
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 997 }), steps, (perSecond, uses) => {
      const allowance = newAllowance(perSecond, 0)
      let now = 0
      let used = 0
      for (const [pause, units] of uses) {
        now += pause
        now += renew(allowance, now)
        expect(renew(allowance, now)).toBe(0)
        expect(used).toBeLessThan(2 * perSecond + (now * perSecond) / 1000)
        allowance.left -= units
        used += units
      }
    }),
  )
})
