import { expect, test } from 'vitest'
import { LimitExceededError } from '../../src/errors.ts'
import { throttleNames, unlimited } from '../../src/throttle/presets.ts'
import { createThrottles } from '../../src/throttle/throttles.ts'
import { createTestClock } from '../support/clock.ts'

const perSecond = { amount: 10, seconds: 1 }

function problemOf(work: () => void): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

test('who is over a limit is told which, and when to come back', () => {
  const clock = createTestClock()
  const throttles = createThrottles(clock, { ...unlimited, queries: { amount: 2, seconds: 60 } })
  throttles.take('queries')
  throttles.take('queries')
  const problem = problemOf(() => throttles.take('queries'))
  expect(problem).toBeInstanceOf(LimitExceededError)
  expect(problem).toMatchObject({ retryAfterSeconds: 30, message: expect.stringContaining('queries (2/min)') })
  clock.advance(30_000)
  throttles.take('queries')
  expect(throttles.ask('queries')).toBe(30_000)
})

test('each limit is on its own, and without one everything passes', () => {
  const throttles = createThrottles(createTestClock(), { ...unlimited, queries: { amount: 1, seconds: 60 } })
  throttles.take('queries')
  for (const name of throttleNames.filter((other) => other !== 'queries')) {
    throttles.take(name, 1e9)
    expect([throttles.ask(name, 1e9), throttles.delay(name)]).toEqual([0, 0])
  }
  expect(throttles.pace(1e9)).toEqual({ granted: 1e9, next: undefined })
})

test('a job gets what there is, and comes back when there is a quarter of a second of work', () => {
  const clock = createTestClock()
  const throttles = createThrottles(clock, { ...unlimited, jobDeviceOperations: perSecond })
  const inMs = (ms: number): Date => new Date(clock.now().getTime() + ms)
  expect(throttles.pace(4)).toEqual({ granted: 4, next: undefined })
  expect(throttles.pace(500)).toEqual({ granted: 6, next: inMs(300) })
  expect(throttles.pace(1)).toEqual({ granted: 0, next: inMs(100) })
  clock.advance(300)
  expect(throttles.pace(500)).toEqual({ granted: 3, next: inMs(300) })
  throttles.giveBack(2)
  expect(throttles.pace(500)).toMatchObject({ granted: 2 })
  expect(throttles.pace(0)).toEqual({ granted: 0, next: undefined })
})
