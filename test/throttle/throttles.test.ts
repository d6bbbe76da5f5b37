import { expect, test } from 'vitest'
import { LimitExceededError } from '../../src/errors.ts'
import { throttleNames, unlimited } from '../../src/throttle/presets.ts'
import { createThrottles, type Throttles } from '../../src/throttle/throttles.ts'
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

/** How many units are granted at once. */
function grantedNow(throttles: Throttles): number {
  let granted = 0
  while (throttles.ask('queries') === 0) granted++
  return granted
}

/** One renewal of all leases: each publishes its demand, and then reads those of the others. */
function renew(instances: readonly Throttles[]): void {
  const demands = instances.map((throttles) => throttles.demand())
  for (const [index, throttles] of instances.entries()) throttles.divide(demands.toSpliced(index, 1))
}

test('instances together grant no more than the throttle allows, and one that is asked most gets most of it', () => {
  const clock = createTestClock()
  const throttling = { ...unlimited, queries: { amount: 60, seconds: 60 } }
  const instances = [1, 2, 3].map(() => createThrottles(clock, throttling))
  renew(instances)
  expect(instances.map(grantedNow)).toEqual([20, 20, 20])

  // One per second comes back from now on, and all of it is asked for at one instance.
  const [busy] = instances
  let granted = 0
  const twoSeconds = (): void => {
    clock.advance(2_000)
    if (busy !== undefined) granted += grantedNow(busy)
    renew(instances)
  }
  for (let times = 0; times < 60; times++) twoSeconds()
  granted = 0
  for (let times = 0; times < 30; times++) twoSeconds()
  expect(granted).toBeGreaterThan(54)
  expect(granted).toBeLessThanOrEqual(60)
})

test('an instance keeps its share while nothing is asked for', () => {
  const clock = createTestClock()
  const throttling = { ...unlimited, queries: { amount: 100, seconds: 60 } }
  const instances = [createThrottles(clock, throttling), createThrottles(clock, throttling)]
  renew(instances)
  expect(instances[0]?.ask('queries')).toBe(0)
  for (let times = 0; times < 600; times++) {
    clock.advance(2_000)
    renew(instances)
  }
  expect(instances.map(grantedNow)).toEqual([95, 5])
})

test('a job that gets a part of less than one unit per second still goes on', () => {
  const clock = createTestClock()
  const throttles = createThrottles(clock, { ...unlimited, jobDeviceOperations: perSecond })
  throttles.demand()
  throttles.divide([{ jobDeviceOperations: 1_000 }])
  let granted = 0
  for (let second = 0; second < 20; second++) {
    granted += throttles.pace(1).granted
    clock.advance(1_000)
  }
  // A twentieth of 10/s.
  expect(granted).toBeGreaterThanOrEqual(9)
  expect(granted).toBeLessThanOrEqual(11)
})
