import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  formatClock,
  formatCount,
  formatDuration,
  formatMinute,
  formatMoment,
  formatPlanned,
  formatRate,
  formatRelative,
  formatShare,
  formatTimeOfDay,
  formatUtcMoment,
  formatZone,
} from '../../src/console/format.ts'

test('counts have their thousands apart', () => {
  expect([0, 999, 1_000, 1_234_567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567'])
})

test('rates have three digits', () => {
  expect([0, 0.01234, 4.567, 1_234.5].map(formatRate)).toEqual(['0', '0.0123', '4.57', '1,230'])
})

test('a share that is not all is never shown as all, nor one that is not nothing as nothing', () => {
  expect([0, 0.0001, 0.125, 0.5, 0.9999, 1].map(formatShare)).toEqual(['0%', '<0.1%', '12.5%', '50%', '>99.9%', '100%'])
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, minExcluded: true, maxExcluded: true, noNaN: true }), (share) => {
      expect(['0%', '100%']).not.toContain(formatShare(share))
    }),
  )
})

test('a span is shown in its two largest units', () => {
  expect([0, -5, 0.6, 59, 60, 200, 3_600, 3_661, 86_400, 100_000].map(formatDuration)).toEqual([
    '0 s',
    '0 s',
    '1 s',
    '59 s',
    '1 min',
    '3 min 20 s',
    '1 h',
    '1 h 1 min',
    '1 day',
    '1 day 3 h',
  ])
})

test('a moment is shown relative to now, rounded, before and after it', () => {
  const now = Date.parse('2026-03-01T12:00:00Z')
  const at = (seconds: number) => formatRelative(new Date(now + seconds * 1000).toISOString(), now)
  expect([0, -4, 4].map(at)).toEqual(['just now', 'just now', 'just now'])
  expect([-12, -60, -119, -3_599, -7_200, -86_400 * 40].map(at)).toEqual([
    '12 s ago',
    '1 min ago',
    '2 min ago',
    '1 h ago',
    '2 h ago',
    '40 days ago',
  ])
  expect([12, 7_260].map(at)).toEqual(['in 12 s', 'in 2 h'])
})

test('a time of day has its date when it is not of today', () => {
  const moment = new Date(2026, 10, 29, 14, 19, 12).getTime()
  expect(formatTimeOfDay(moment, new Date(2026, 10, 29, 23, 59).getTime())).toBe('14:19:12')
  expect(formatTimeOfDay(moment, new Date(2026, 10, 30, 0, 1).getTime())).toBe(
    formatMoment(new Date(moment).toISOString()),
  )
})

test('date and time have their time zone, also in UTC', () => {
  const value = '2026-12-01T14:02:20Z'
  expect(formatUtcMoment(value)).toBe('1 Dec 2026, 14:02:20 UTC')
  const zone = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' })
    .formatToParts(new Date(value))
    .find(({ type }) => type === 'timeZoneName')?.value
  expect(formatMoment(value)).toMatch(/^[12] Dec 2026, \d\d:\d\d:20 \S+$/)
  expect(formatMoment(value).endsWith(` ${zone}`)).toBe(true)
  expect(formatMinute(value)).toBe(formatMoment(value).replace(':20 ', ' '))
})

test('a time that lies ahead has its date first, and is rounded', () => {
  const value = '2026-12-01T14:02:00Z'
  const text = formatPlanned(value, Date.parse(value) - 2.6 * 86_400_000)
  expect(text).toBe(`${formatMinute(value)} (in 3 days)`)
})

test('times of day are in the zone of the browser or in UTC, and the zone has a name', () => {
  const moment = new Date(2026, 10, 29, 14, 19, 12).getTime()
  expect(formatClock(moment, false)).toBe('14:19:12')
  expect(formatClock(Date.UTC(2026, 10, 29, 14, 19, 12), true)).toBe('14:19:12')
  expect(formatZone(moment, true)).toBe('UTC')
  expect(formatZone(moment, false)).not.toBe('')
})
