import { expect, test } from 'vitest'
import { createMovableClock, systemClock } from '../src/clock.ts'

const hour = 3_600_000

test('a clock that is moved on ends the sleeps that are over then, the earliest first, and no others', async () => {
  const clock = createMovableClock()
  const woken: string[] = []
  const sleeps = Object.entries({ later: hour, soon: 1_000, tomorrow: 24 * hour }).map(async ([name, ms]) => {
    await clock.sleep(ms)
    woken.push(name)
  })
  clock.advance(2 * hour)
  await Promise.all(sleeps.slice(0, 2))
  expect(woken).toEqual(['soon', 'later'])
  clock.advance(24 * hour)
  await sleeps[2]
})

test('a movable clock runs like the clock of the system', async () => {
  const clock = createMovableClock()
  const [before, elapsed] = [clock.now().getTime(), clock.elapsed()]
  expect(Math.abs(before - systemClock.now().getTime())).toBeLessThan(60_000)
  await clock.sleep(5)
  expect(clock.now().getTime()).toBeGreaterThan(before)
  clock.advance(hour)
  expect(clock.now().getTime() - before).toBeGreaterThanOrEqual(hour)
  expect(clock.elapsed() - elapsed).toBeGreaterThanOrEqual(hour)
})

test('a clock that stands moves only when it is moved, and a sleep on it ends with its signal', async () => {
  const clock = createMovableClock({ standsAt: new Date('2026-01-01T00:00:00Z') })
  await systemClock.sleep(5)
  clock.advance(1)
  expect(clock.now().toISOString()).toBe('2026-01-01T00:00:00.001Z')
  const ending = new AbortController()
  const slept = clock.sleep(hour, ending.signal)
  await clock.asleep()
  ending.abort()
  await slept
  expect(clock.now().toISOString()).toBe('2026-01-01T00:00:00.001Z')
})

test('one can wait for a sleep of some length, whoever else sleeps for longer or shorter', async () => {
  const clock = createMovableClock({ standsAt: new Date('2026-01-01T00:00:00Z') })
  const heard: string[] = []
  void clock.sleep(hour)
  await clock.asleep().then(() => heard.push('any'))
  const soon = clock.asleep(50, 100).then(() => heard.push('soon'))
  void clock.sleep(101)
  void clock.sleep(49)
  await systemClock.sleep(0)
  expect(heard).toEqual(['any'])
  void clock.sleep(100)
  await soon
  expect(heard).toEqual(['any', 'soon'])
})
