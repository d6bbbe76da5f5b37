import fc from 'fast-check'
import { expect, test } from 'vitest'
import { momentOf } from '../../../src/console/local-time.ts'
import { formatAhead, formatUtc, proposeStart } from '../../../src/console/pages/schedule/date-time-input.ts'

/** Whole minutes of some years, whatever the time zone of this machine makes of them. */
const minutes = fc.integer({ min: 28_000_000, max: 31_000_000 })

test('what is proposed is a full hour, one to two hours ahead', () => {
  fc.assert(
    fc.property(minutes, (minute) => {
      const now = minute * 60_000
      const proposed = proposeStart(now)
      const ahead = Date.parse(momentOf(proposed) ?? '') - now
      expect(proposed).toMatch(/:00$/)
      // A change of the clocks may lie between.
      expect(ahead).toBeGreaterThan(0)
      expect(ahead).toBeLessThanOrEqual(3 * 3_600_000)
    }),
  )
})

test('a moment is shown in UTC to the minute', () => {
  expect(formatUtc('2026-03-01T05:30:00.000Z')).toBe('2026-03-01 05:30 UTC')
})

test('how far a moment is ahead is shown to the minute, and not at all when it has passed', () => {
  const ahead = (seconds: number) =>
    formatAhead('2026-03-01T05:30:00.000Z', Date.parse('2026-03-01T05:30:00Z') - 1000 * seconds)
  expect(ahead(3 * 3_600)).toBe('in 3 h')
  expect(ahead(5_973)).toBe('in 1 h 40 min')
  expect(ahead(20)).toBe('in 20 s')
  expect(ahead(0)).toBeUndefined()
})
