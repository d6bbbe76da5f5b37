import { describe, expect, test } from 'vitest'
import { InvalidInputError } from '../../src/errors.ts'
import { checkLimits, firstAtOnce, mostAtOnce, shortestSeconds, withoutLimits } from '../../src/job/job-limits.ts'
import type { JobType } from '../../src/job/request.ts'

const method = 'scheduleDeviceMethod'
const budget = { groupBy: 'tags.site', maxConcurrent: 1 }

test('what is left out stays, and null takes a limit or all limits away', () => {
  const ramp = { from: 6, factor: 2, afterSucceeded: 10 }
  const before = { maxPerMinute: 60, ramp, maxConcurrent: 5, budgetGroupBy: 'tags.site', budgetMaxConcurrent: 1 }
  expect(checkLimits(undefined, method)).toEqual(withoutLimits)
  expect(checkLimits({ maxConcurrent: 1 }, method)).toEqual({ ...withoutLimits, maxConcurrent: 1 })
  expect(checkLimits(undefined, method, before)).toEqual(before)
  expect(checkLimits({ maxPerMinute: 1_000_000 }, method, before)).toEqual({
    ...before,
    maxPerMinute: 1_000_000,
  })
  expect(checkLimits({ maxConcurrent: null }, method, before)).toEqual({ ...before, maxConcurrent: null })
  expect(checkLimits({ ramp: null }, method, before)).toEqual({ ...before, ramp: null })
  expect(checkLimits(null, method, before)).toEqual(withoutLimits)
})

describe('refused with its path is', () => {
  test.each<[string, unknown, JobType, string]>([
    ['a rate of 0', { maxPerMinute: 0 }, method, 'rollout/maxPerMinute'],
    ['a rate above a million', { maxPerMinute: 1_000_001 }, method, 'rollout/maxPerMinute'],
    ['a ramp without a rate', { ramp: { from: 1, afterSucceeded: 1 } }, method, 'rollout/ramp'],
    ['half a device', { maxConcurrent: 0.5 }, method, 'rollout/maxConcurrent'],
    ['a text', { maxConcurrent: '1' }, method, 'rollout/maxConcurrent'],
    ['a bound of calls for twin updates', { maxConcurrent: 1 }, 'scheduleUpdateTwin', 'rollout/maxConcurrent'],
    ['a budget for twin updates', { budget }, 'scheduleUpdateTwin', 'rollout/budget'],
    ['a number instead of limits', 5, method, 'rollout'],
  ])('%s', (_what, rollout, type, path) => {
    let refused: unknown
    try {
      checkLimits(rollout, type)
    } catch (error) {
      refused = error
    }
    expect(refused).toBeInstanceOf(InvalidInputError)
    expect(Object(refused).path.join('/')).toBe(path)
  })
})

test('at once there is room for the devices of a second, or for the calls in progress', () => {
  expect(mostAtOnce(withoutLimits)).toBeUndefined()
  expect(mostAtOnce({ ...withoutLimits, maxPerMinute: 600 })).toBe(10)
  expect(mostAtOnce({ ...withoutLimits, maxPerMinute: 6 })).toBe(1)
  const ramped = { ...withoutLimits, maxPerMinute: 600, ramp: { from: 120, factor: 2, afterSucceeded: 50 } }
  expect([firstAtOnce(ramped), mostAtOnce(ramped)]).toEqual([2, 10])
  expect(firstAtOnce({ ...withoutLimits, maxPerMinute: 600 })).toBe(10)
  expect(mostAtOnce({ ...withoutLimits, maxPerMinute: 600, maxConcurrent: 3 })).toBe(3)
  expect(mostAtOnce({ ...withoutLimits, maxConcurrent: 300 })).toBe(300)
  expect(mostAtOnce(checkLimits({ budget }, method))).toBe(1_000_000)
})

test('the shortest time is that of all devices but those that may go at once, one after the other', () => {
  const at = (maxPerMinute: number | null) => ({ ...withoutLimits, maxPerMinute })
  expect(shortestSeconds(10_000, at(null))).toBeNull()
  expect(shortestSeconds(0, at(600))).toBe(0)
  expect(shortestSeconds(10, at(600))).toBe(0)
  expect(shortestSeconds(601, at(600))).toBeGreaterThan(60)
  expect(shortestSeconds(600, at(600))).toBeLessThan(60)
  expect(shortestSeconds(3, at(1))).toBe(120)
  const ramped = { ...at(60), ramp: { from: 1, factor: 10, afterSucceeded: 3 } }
  // Two more devices at one per minute, three at ten per minute, and two at the maximum.
  expect(shortestSeconds(8, ramped)).toBe(2 * 60 + 3 * 6 + 2 * 1)
  expect(shortestSeconds(1, ramped)).toBe(0)
})
