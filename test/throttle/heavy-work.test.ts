import { expect, test } from 'vitest'
import { createHeavyWork } from '../../src/throttle/heavy-work.ts'

const budget = { fromMs: 20, msPerSecond: 500 }
/** Some moment. */
const now = 1_000_000

test('work below the threshold is not counted', () => {
  const work = createHeavyWork(budget)
  for (let piece = 0; piece < 1_000; piece++) work.count('a', 19, now)
  expect([work.restOf('a', now), work.isBusy('a', now)]).toEqual([0, false])
})

test('a second of budget is free after a pause, and half of it makes a caller busy', () => {
  const work = createHeavyWork(budget)
  work.count('a', 250, now)
  expect([work.restOf('a', now), work.isBusy('a', now)]).toEqual([0, false])
  work.count('a', 250, now)
  expect([work.restOf('a', now), work.isBusy('a', now)]).toEqual([0, true])
  work.count('a', 50, now)
  expect(work.restOf('a', now)).toBe(100)
  expect(work.restOf('b', now)).toBe(0)
  expect(work.restOf('a', now + 100)).toBe(0)
  expect([work.isBusy('a', now + 599), work.isBusy('a', now + 600)]).toEqual([true, false])
})

test('the budget is also free in the first second of a process', () => {
  const work = createHeavyWork(budget)
  work.count('a', 100, 100)
  expect([work.restOf('a', 100), work.isBusy('a', 100)]).toEqual([0, false])
})

test('in the long run a caller has its share, however it is divided', () => {
  for (const piece of [20, 100, 400]) {
    const work = createHeavyWork(budget)
    let time = now
    let done = 0
    while (time < now + 60_000) {
      time += work.restOf('a', time) + piece
      work.count('a', piece, time)
      done += piece
    }
    expect(done / 60_000, `pieces of ${piece} ms`).toBeGreaterThan(0.48)
    expect(done / 60_000, `pieces of ${piece} ms`).toBeLessThan(0.53)
  }
})

test('no rest is longer than two seconds', () => {
  const work = createHeavyWork(budget)
  work.count('a', 600_000, now)
  work.count('a', 600_000, now)
  expect(work.restOf('a', now)).toBe(2_000)
})
