import { expect, test } from 'vitest'
import { checkRamp, nextStep, perMinuteAt, rateIn, stagesOf, storedRamp } from '../../src/job/ramp.ts'
import { refusal } from '../support/refusal.ts'

const ramp = { from: 10, factor: 2, afterSucceeded: 50 }

test('a ramp that is left out stays, null takes it away, and its rates double unless another factor is given', () => {
  expect(checkRamp(undefined, null, null)).toBeNull()
  expect(checkRamp(undefined, ramp, 600)).toBe(ramp)
  expect(checkRamp(null, ramp, null)).toBeNull()
  expect(checkRamp({ from: 10, afterSucceeded: 50 }, null, 10)).toEqual(ramp)
})

test.each<[string, unknown, number | null, string]>([
  ['a number', 5, 600, 'rollout/ramp'],
  ['a ramp without a maximum', ramp, null, 'rollout/ramp'],
  ['no device at first', { ...ramp, from: 0 }, 600, 'rollout/ramp/from'],
  ['no first rate', { afterSucceeded: 1 }, 600, 'rollout/ramp/from'],
  ['more at first than the maximum', ramp, 9, 'rollout/ramp/from'],
  ['a rate that stays', { ...ramp, factor: 1 }, 600, 'rollout/ramp/factor'],
  ['a rate that falls', { ...ramp, factor: 0.5 }, 600, 'rollout/ramp/factor'],
  ['a factor above ten', { ...ramp, factor: 10.01 }, 600, 'rollout/ramp/factor'],
  ['three decimals', { ...ramp, factor: 1.001 }, 600, 'rollout/ramp/factor'],
  ['half a device', { ...ramp, afterSucceeded: 0.5 }, 600, 'rollout/ramp/afterSucceeded'],
])('refused with its path is %s', (_what, value, maxPerMinute, path) => {
  expect(refusal(() => checkRamp(value, null, maxPerMinute)).path).toBe(path)
})

test('a maximum that does not fit the ramp of a job is refused', () => {
  for (const maxPerMinute of [null, 9]) {
    expect(refusal(() => checkRamp(undefined, ramp, maxPerMinute)).path).toBe('rollout/maxPerMinute')
  }
})

test('the rate rises after each so many devices that succeed, up to the maximum', () => {
  const at = (succeeded: number) => perMinuteAt({ ...ramp, maxPerMinute: 65 }, succeeded)
  expect([0, 49, 50, 100, 149, 150, 1_000_000_000].map(at)).toEqual([10, 10, 20, 40, 40, 65, 65])
  expect(perMinuteAt({ from: 100, factor: 1.15, afterSucceeded: 1, maxPerMinute: 600 }, 1)).toBe(115)
})

test('the next step is the next higher rate, and there is none at the maximum', () => {
  const next = (succeeded: number) => nextStep({ ...ramp, maxPerMinute: 65 }, succeeded)
  expect([0, 49, 50, 149, 150].map(next)).toEqual([
    { perMinute: 20, afterSucceeded: 50 },
    { perMinute: 20, afterSucceeded: 1 },
    { perMinute: 40, afterSucceeded: 50 },
    { perMinute: 65, afterSucceeded: 1 },
    null,
  ])
  // One device per minute times 1.01 is rounded down to one for a long time.
  expect(nextStep({ from: 1, factor: 1.01, afterSucceeded: 10, maxPerMinute: 60 }, 5)).toEqual({
    perMinute: 2,
    afterSucceeded: 695,
  })
})

test('the devices that are next have their turn at rates that rise as if all of them succeed', () => {
  const rate = { maxPerMinute: 60, ramp }
  expect(stagesOf(rate, 20, 200)).toEqual([
    { devices: 30, perMinute: 10, growth: 1 },
    { devices: 50, perMinute: 20, growth: 2 },
    { devices: 50, perMinute: 40, growth: 4 },
    { devices: 70, perMinute: 60, growth: 6 },
  ])
  expect(stagesOf(rate, 0, 0)).toEqual([{ devices: 0, perMinute: 10, growth: 1 }])
  expect(stagesOf({ maxPerMinute: null, ramp: null }, 5, 7)).toEqual([{ devices: 7, perMinute: null, growth: 1 }])
})

test('a ramp is stored with the maximum of its job, whose rate is the one that is reached', () => {
  const stored = storedRamp({ maxPerMinute: 600, ramp })
  expect(stored).toEqual({ ...ramp, maxPerMinute: 600 })
  expect(rateIn({ perMinute: 10, storedRamp: stored })).toEqual({ maxPerMinute: 600, ramp })
  expect(storedRamp({ maxPerMinute: 600, ramp: null })).toBeNull()
  expect(rateIn({ perMinute: 600, storedRamp: null })).toEqual({ maxPerMinute: 600, ramp: null })
})
