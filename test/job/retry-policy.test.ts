import { describe, expect, test } from 'vitest'
import { checkRetryPolicy, retryInWords } from '../../src/job/retry-policy.ts'

const path = ['rollout', 'retry']
const check = (policy: unknown, type?: 'scheduleDeviceMethod' | 'scheduleUpdateTwin') =>
  checkRetryPolicy(policy, type, path)
const least = { maxAttempts: 2, on: ['GatewayTimeout'] }
const refused = (policy: unknown): readonly string[] => {
  try {
    check(policy)
  } catch (error) {
    return Reflect.get(Object(error), 'path')
  }
  return []
}

test('a policy without its optional members waits 10 seconds, then twice as long each time, up to an hour', () => {
  expect(check(least)).toEqual({
    maxAttempts: 2,
    on: ['GatewayTimeout'],
    backoffSeconds: 10,
    factor: 2,
    maxBackoffSeconds: 3600,
  })
})

test('the bounds of all members are accepted, and causes count once', () => {
  const policy = {
    maxAttempts: 10,
    on: ['503', 'OutcomeUnknown', 'BadDeviceResponse', '400', '503'],
    backoffSeconds: 0,
    factor: 1,
    maxBackoffSeconds: 0,
  }
  expect(check(policy)).toEqual({ ...policy, on: ['503', 'OutcomeUnknown', 'BadDeviceResponse', '400'] })
  expect(check({ ...least, backoffSeconds: 86_400, factor: 10 })).toMatchObject({ maxBackoffSeconds: 86_400 })
})

describe('a policy is refused', () => {
  test.each([
    [{ maxAttempts: 1 }, ['maxAttempts']],
    [{ maxAttempts: 11 }, ['maxAttempts']],
    [{ maxAttempts: 2.5 }, ['maxAttempts']],
    [{ maxAttempts: null }, ['maxAttempts']],
    [{ on: [] }, ['on']],
    [{ on: 'GatewayTimeout' }, ['on']],
    [{ on: Array.from({ length: 21 }, (_, index) => String(500 + index)) }, ['on']],
    [{ on: ['GatewayTimeout', 'gatewayTimeout'] }, ['on', '1']],
    [{ on: ['DeviceNotOnline'] }, ['on', '0']],
    [{ on: ['200'] }, ['on', '0']],
    [{ on: ['0503'] }, ['on', '0']],
    [{ on: ['2147483648'] }, ['on', '0']],
    [{ on: [503] }, ['on', '0']],
    [{ backoffSeconds: -1 }, ['backoffSeconds']],
    [{ backoffSeconds: 86_401 }, ['backoffSeconds']],
    [{ factor: 0.99 }, ['factor']],
    [{ factor: 10.01 }, ['factor']],
    [{ factor: 1.234 }, ['factor']],
    [{ factor: Number.NaN }, ['factor']],
    [{ backoffSeconds: 60, maxBackoffSeconds: 59 }, ['maxBackoffSeconds']],
    [{ maxBackoffSeconds: 86_401 }, ['maxBackoffSeconds']],
  ])('with %j', (change, member) => {
    expect(refused({ ...least, ...change })).toEqual([...path, ...member])
  })

  test('that is no object', () => {
    expect(refused('always')).toEqual(path)
  })

  test('for twin updates', () => {
    expect(() => check(least, 'scheduleUpdateTwin')).toThrow('A twin update has nothing to repeat')
  })
})

test('a policy is described by its attempts and its causes', () => {
  expect(retryInWords({ ...check(least), maxAttempts: 3, on: ['GatewayTimeout', 'OutcomeUnknown', '503'] })).toBe(
    'up to 3 attempts after GatewayTimeout, OutcomeUnknown, or 503',
  )
})
