import { expect, test } from 'vitest'
import { checkTimeZone, clockTime, firstShowing, formatOf, offsetAt } from '../src/time-zone.ts'
import { refusal } from './support/refusal.ts'

const shown = (text: string) => Date.parse(`${text}Z`)
const hour = 60 * 60 * 1_000

test.each([
  ['UTC', '2026-07-01T00:00', 0],
  ['Europe/Berlin', '2026-01-01T00:00', 1],
  ['Europe/Berlin', '2026-07-01T00:00', 2],
  ['America/St_Johns', '2026-01-01T00:00', -3.5],
  ['Australia/Lord_Howe', '2026-07-01T00:00', 10.5],
  ['Asia/Kathmandu', '2026-07-01T00:00', 5.75],
])('the clocks of %s at %s are ahead by %d hours', (timeZone, time, hours) => {
  expect(offsetAt(timeZone, shown(time))).toBe(hours * hour)
})

test.each([
  // On 29 March 2026, 02:00 is followed by 03:00 in Berlin, and on 25 October, 03:00 by 02:00.
  ['any other time is that moment', 'Europe/Berlin', '2026-03-28T02:30', '2026-03-28T01:30'],
  ['a time in a gap is its end', 'Europe/Berlin', '2026-03-29T02:30', '2026-03-29T01:00'],
  ['so is the first of a gap', 'Europe/Berlin', '2026-03-29T02:00', '2026-03-29T01:00'],
  ['the end of a gap exists', 'Europe/Berlin', '2026-03-29T03:00', '2026-03-29T01:00'],
  ['a repeated time is the first of the two', 'Europe/Berlin', '2026-10-25T02:30', '2026-10-25T00:30'],
  ['the end of the repeated hour occurs once', 'Europe/Berlin', '2026-10-25T03:00', '2026-10-25T02:00'],
  ['a gap of half an hour', 'Australia/Lord_Howe', '2026-10-04T02:15', '2026-10-03T15:30'],
  ['half an hour that is repeated', 'Australia/Lord_Howe', '2026-04-05T01:45', '2026-04-04T14:45'],
  ['a gap at midnight', 'Africa/Cairo', '2026-04-24T00:30', '2026-04-23T22:00'],
  ['a change on the other side of the date line', 'Pacific/Auckland', '2026-09-27T02:30', '2026-09-26T14:00'],
  ['a day that was skipped', 'Pacific/Apia', '2011-12-30T12:00', '2011-12-30T10:00'],
])('%s', (_what, timeZone, given, expected) => {
  expect(new Date(firstShowing(timeZone, shown(given))).toISOString()).toBe(`${expected}:00.000Z`)
})

test('the first moment that shows what clocks show is never later, in any zone', () => {
  for (const timeZone of [
    'Europe/Berlin',
    'Australia/Lord_Howe',
    'America/New_York',
    'Africa/Cairo',
    'America/St_Johns',
  ]) {
    for (let time = Date.parse('2026-01-01T00:00Z'); time < Date.parse('2027-01-01T00:00Z'); time += 311 * 60_000) {
      const first = firstShowing(timeZone, clockTime(timeZone, time))
      expect(first).toBeLessThanOrEqual(time)
      expect(clockTime(timeZone, first)).toBe(clockTime(timeZone, time))
    }
  }
})

test('a zone in another case is the same zone, and needs no further memory', () => {
  const tokyo = formatOf('Asia/Tokyo')
  expect(formatOf('ASIA/tokyo')).toBe(tokyo)
  expect(offsetAt('ASIA/tokyo', shown('2026-07-01T00:00'))).toBe(9 * hour)
  // Of many zones, those that were not used for the longest time are forgotten.
  const zones = Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'Asia/Tokyo')
  const [last] = zones.map(formatOf).slice(-1)
  expect(formatOf('Asia/Tokyo')).not.toBe(tokyo)
  expect(formatOf(zones.at(-1) ?? '')).toBe(last)
})

test.each(['Mars/Olympus', '+02:00', '', 7, null])('%j is no time zone', (value) => {
  expect(refusal(() => checkTimeZone(value, ['a', 'timeZone']))).toMatchObject({ path: 'a/timeZone' })
})
