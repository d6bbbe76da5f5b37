import { createMovableClock, type MovableClock } from '../../src/clock.ts'

/** A clock that stands still until it is told to go on. */
export type TestClock = MovableClock

export const createTestClock = (start = new Date('2026-01-01T00:00:00Z')): TestClock =>
  createMovableClock({ standsAt: start })
