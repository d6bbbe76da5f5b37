import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  afterOpenTime,
  checkTimeWindow,
  daysOfWeek,
  etaInWindow,
  isOpen,
  openTimeAt,
  openTimesFrom,
  requireLongEnough,
  requireOpening,
  type TimeWindow,
  zoneFor,
} from '../../src/job/time-window.ts'
import { clockTime } from '../../src/time-zone.ts'
import { refusal } from '../support/refusal.ts'

const path = ['rollout', 'window']
const check = (value: unknown) => checkTimeWindow(value, path)
const berlin = { from: '02:00', to: '04:00', timeZone: 'Europe/Berlin' }
const at = (text: string) => new Date(`${text}:00.000Z`)
const texts = ({ opens, closes }: { opens: Date; closes: Date }) =>
  [opens, closes].map((time) => time.toISOString().slice(0, 16))
/** The first time after noon, in UTC, of the day before. */
const nextOf = (window: Partial<TimeWindow & { readonly timeZone: string }>, from: string, longestCall = 0) => {
  const whole = { ...berlin, ...window }
  return texts(openTimeAt(whole, whole.timeZone, at(from), longestCall))
}

describe('a window', () => {
  test('has times of day and a zone, and days in their order', () => {
    expect(check(berlin)).toEqual(berlin)
    expect(check({ ...berlin, days: null, from: '23:00' })).toEqual({ ...berlin, from: '23:00' })
    expect(check({ ...berlin, days: ['friday', 'monday', 'friday'] }).days).toEqual(['monday', 'friday'])
  })

  test('may have the zones of devices, and a zone for the others', () => {
    const { timeZone: _, ...times } = berlin
    expect(check({ ...times, timeZoneFrom: 'tags.timeZone' })).toEqual({ ...times, timeZoneFrom: 'tags.timeZone' })
    const both = { ...berlin, timeZoneFrom: 'tags.timeZone' }
    expect(check(both)).toEqual(both)
    expect([zoneFor(both, 'Asia/Tokyo'), zoneFor(both, 'Mars/Olympus'), zoneFor(both, null)]).toEqual([
      'Asia/Tokyo',
      'Europe/Berlin',
      'Europe/Berlin',
    ])
    expect(zoneFor({ ...times, timeZoneFrom: 'tags.timeZone' }, 'Mars/Olympus')).toBeUndefined()
  })

  test.each([
    [{ ...berlin, timeZoneFrom: 'tags.' }, '/timeZoneFrom', 'timeZoneFrom must be a path, such as "tags.timeZone": '],
    [7, '', 'A window must be an object.'],
    [{ ...berlin, from: '24:00' }, '/from', 'from must be a time of day from 00:00 to 23:59, such as "02:00".'],
    [{ ...berlin, to: '4:00' }, '/to', 'to must be a time of day from 00:00 to 23:59, such as "02:00".'],
    [{ ...berlin, to: undefined }, '/to', 'to must be a time of day from 00:00 to 23:59, such as "02:00".'],
    [{ ...berlin, to: '02:00' }, '/to', 'A window must not end at the time at which it opens.'],
    [{ ...berlin, timeZone: 'Mars/Olympus' }, '/timeZone', 'The time zone must have a name of the IANA database'],
    [{ ...berlin, timeZone: undefined }, '/timeZone', 'Give timeZone, timeZoneFrom or both.'],
    [{ ...berlin, days: [] }, '/days', 'Give at least one day of the week'],
    [{ ...berlin, days: ['monday', 'someday'] }, '/days/1', 'A day must be one of monday, tuesday'],
  ])('is refused: %j', (value, where, message) => {
    expect(refusal(() => check(value))).toEqual({
      path: `rollout/window${where}`,
      message: expect.stringContaining(message),
    })
  })

  test('must be longer than a call may take', () => {
    const window = { ...berlin, from: '23:59', to: '00:01' }
    expect(requireLongEnough(window, 119_000, path)).toBeUndefined()
    expect(refusal(() => requireLongEnough(window, 120_000, path))).toEqual({
      path: 'rollout/window/to',
      message:
        'The window has 2 minutes. It must be longer than the response timeout of 120 seconds, because calls must have time to end in it.',
    })
  })
})

describe('calls may begin', () => {
  test.each([
    ['today', {}, '2026-06-01T12:00', ['2026-06-02T00:00', '2026-06-02T02:00']],
    ['while the window is open', {}, '2026-06-02T01:59', ['2026-06-02T00:00', '2026-06-02T02:00']],
    ['on the next day, once it has closed', {}, '2026-06-02T02:00', ['2026-06-03T00:00', '2026-06-03T02:00']],
    ['over midnight', { from: '23:00', to: '01:00' }, '2026-06-01T22:30', ['2026-06-01T21:00', '2026-06-01T23:00']],
    [
      'on its days, which are those of its opening',
      { days: ['friday' as const], from: '23:00', to: '01:00' },
      '2026-06-01T12:00',
      ['2026-06-05T21:00', '2026-06-05T23:00'],
    ],
    [
      'for nearly a week after the last day',
      { days: ['monday' as const] },
      '2026-06-01T02:00',
      ['2026-06-08T00:00', '2026-06-08T02:00'],
    ],
  ])('%s', (_what, window, from, expected) => {
    expect(nextOf(window, from)).toEqual(expected)
  })

  test('as long as they have time to end before the window closes', () => {
    expect(nextOf({}, '2026-06-01T12:00', 300_000)).toEqual(['2026-06-02T00:00', '2026-06-02T01:55'])
    expect(nextOf({}, '2026-06-02T01:55', 300_000)).toEqual(['2026-06-03T00:00', '2026-06-03T01:55'])
  })

  test('in the next times', () => {
    const times = openTimesFrom(
      { ...berlin, days: ['monday', 'tuesday'] },
      'Europe/Berlin',
      at('2026-06-01T00:30'),
      0,
      3,
    )
    expect(times.map(texts)).toEqual([
      ['2026-06-01T00:00', '2026-06-01T02:00'],
      ['2026-06-02T00:00', '2026-06-02T02:00'],
      ['2026-06-08T00:00', '2026-06-08T02:00'],
    ])
  })
})

// On 29 March 2026, 02:00 is followed by 03:00 in Berlin, and on 25 October, 03:00 by 02:00. On Lord Howe, 02:00 is followed by
// 02:30 on 4 October, and 02:00 by 01:30 on 5 April.
describe('on a night of a clock change, a window', () => {
  const howe = 'Australia/Lord_Howe'
  test.each([
    ['opens at the end of the gap', {}, '2026-03-28T12:00', ['2026-03-29T01:00', '2026-03-29T02:00']],
    [
      'opens at the end of the gap that skips its beginning',
      { from: '02:30', to: '03:30' },
      '2026-03-28T12:00',
      ['2026-03-29T01:00', '2026-03-29T01:30'],
    ],
    [
      'closes at the end of the gap that skips its end',
      { from: '01:30', to: '02:30' },
      '2026-03-28T12:00',
      ['2026-03-29T00:30', '2026-03-29T01:00'],
    ],
    [
      'is as long as ever after a gap that skips all of it',
      { from: '02:15', to: '02:45' },
      '2026-03-28T12:00',
      ['2026-03-29T01:00', '2026-03-29T01:30'],
    ],
    [
      'closes when the clocks say so, although a gap was in it',
      { from: '22:00', to: '06:00' },
      '2026-03-28T12:00',
      ['2026-03-28T21:00', '2026-03-29T04:00'],
    ],
    [
      'opens once in an hour that is repeated',
      { from: '02:15', to: '02:45' },
      '2026-10-24T12:00',
      ['2026-10-25T00:15', '2026-10-25T00:45'],
    ],
    [
      'does not open again in the second of these hours',
      { from: '02:15', to: '02:45' },
      '2026-10-25T00:45',
      ['2026-10-26T01:15', '2026-10-26T01:45'],
    ],
    [
      'is longer by a repeated hour',
      { from: '02:30', to: '03:30' },
      '2026-10-24T12:00',
      ['2026-10-25T00:30', '2026-10-25T02:30'],
    ],
    [
      'opens at the end of a gap of half an hour',
      { from: '02:15', to: '03:00', timeZone: howe },
      '2026-10-03T00:00',
      ['2026-10-03T15:30', '2026-10-03T16:00'],
    ],
    [
      'is as long as ever after a gap of half an hour that skips all of it',
      { from: '02:10', to: '02:20', timeZone: howe },
      '2026-10-03T00:00',
      ['2026-10-03T15:30', '2026-10-03T15:40'],
    ],
    [
      'opens once in half an hour that is repeated',
      { from: '01:40', to: '01:50', timeZone: howe },
      '2026-04-04T00:00',
      ['2026-04-04T14:40', '2026-04-04T14:50'],
    ],
  ])('%s', (_what, window, from, expected) => {
    expect(nextOf(window, from)).toEqual(expected)
  })

  test('is as long as ever when the rest of it leaves no time for a call', () => {
    const window = { from: '02:30', to: '03:05' }
    expect(nextOf(window, '2026-03-28T12:00', 299_000)).toEqual(['2026-03-29T01:00', '2026-03-29T01:00'])
    expect(nextOf(window, '2026-03-28T12:00', 300_000)).toEqual(['2026-03-29T01:00', '2026-03-29T01:30'])
  })
})

describe('a window in any zone, over a year with its clock changes,', () => {
  const timeOfDay = fc
    .integer({ min: 0, max: 24 * 60 - 1 })
    .map((minutes) => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`)
  const zone = fc.constantFrom(
    'Europe/Berlin',
    'Australia/Lord_Howe',
    'America/New_York',
    'Africa/Cairo',
    'UTC',
    'Asia/Tehran',
  )
  const days = fc.option(fc.subarray([...daysOfWeek], { minLength: 1 }), { nil: undefined })
  const anyWindow = fc
    .record({ from: timeOfDay, to: timeOfDay, timeZone: zone, days })
    .filter(({ from, to }) => from !== to)
    .map(({ days, ...window }): TimeWindow & { readonly timeZone: string } => ({ ...window, ...(days && { days }) }))
  const moment = fc
    .integer({ min: Date.parse('2026-01-01'), max: Date.parse('2027-01-01') })
    .map((time) => new Date(time))
  const day = 24 * 60 * 60 * 1_000
  const dateOf = (timeZone: string, time: Date) => Math.floor(clockTime(timeZone, time.getTime()) / day)

  test('opens once on each of its days, and on no other', () => {
    fc.assert(
      fc.property(anyWindow, moment, (window, from) => {
        const { timeZone } = window
        const times = openTimesFrom(window, timeZone, from, 0, 12)
        const dates = times.map(({ opens }) => dateOf(timeZone, opens))
        const [first = 0, last = 0] = [dates[0], dates.at(-1)]
        const chosen = Array.from({ length: last - first + 1 }, (_, index) => first + index).filter(
          (date) => window.days?.some((name) => name === daysOfWeek[(date + 3) % 7]) ?? true,
        )
        expect(dates).toEqual(chosen)
        for (const { opens, closes } of times) expect(opens.getTime()).toBeLessThan(closes.getTime())
      }),
      { numRuns: 60 },
    )
  })

  test('is open when its clocks show a time in it, unless they change within a day', () => {
    fc.assert(
      fc.property(anyWindow, moment, (window, time) => {
        const { timeZone, from, to } = window
        const offsets = [-day, 0, day].map((ms) => {
          const near = time.getTime() + ms
          return clockTime(timeZone, near) - near
        })
        fc.pre(new Set(offsets).size === 1)
        const text = new Date(clockTime(timeZone, time.getTime())).toISOString().slice(11, 16)
        const [isEarly, isLate] = [text >= from, text < to]
        const begun = dateOf(timeZone, time) - (from > to && !isEarly ? 1 : 0)
        const isDay = window.days?.some((name) => name === daysOfWeek[(begun + 3) % 7]) ?? true
        const isWithin = from < to ? isEarly && isLate : isEarly || isLate
        expect(isOpen(openTimeAt(window, timeZone, time, 0), time)).toBe(isWithin && isDay)
      }),
      { numRuns: 300 },
    )
  })
})

test('work that needs more than one window ends in a later one, and never after the latest time', () => {
  const end = (hours: number, from: string, latest = '2026-07-01T00:00') =>
    afterOpenTime(
      berlin,
      'Europe/Berlin',
      { from: at(from), milliseconds: hours * 3_600_000, latest: at(latest) },
      0,
    ).toISOString()
  expect(end(1, '2026-06-02T00:30')).toBe('2026-06-02T01:30:00.000Z')
  expect(end(2, '2026-06-02T00:30')).toBe('2026-06-03T00:30:00.000Z')
  expect(end(5, '2026-06-02T12:00')).toBe('2026-06-05T01:00:00.000Z')
  expect(end(5, '2026-06-02T12:00', '2026-06-04T00:00')).toBe('2026-06-04T00:00:00.000Z')
  expect(end(1, '2026-06-02T00:30', '2026-06-02T00:30')).toBe('2026-06-02T00:30:00.000Z')
})

test('the end of a job is known while its window is open, and counts open time only', () => {
  const times = openTimesFrom(berlin, 'Europe/Berlin', at('2026-06-01T00:00'), 0, 1)
  const estimate = (now: string, eta: string) =>
    etaInWindow(berlin, times, { eta: at(eta), deadline: at('2026-06-04T00:00'), now: at(now) })?.toISOString()
  expect(estimate('2026-06-01T00:30', '2026-06-01T01:30')).toBe('2026-06-01T01:30:00.000Z')
  expect(estimate('2026-06-01T00:30', '2026-06-01T03:00')).toBe('2026-06-02T01:00:00.000Z')
  expect(estimate('2026-06-01T00:30', '2026-06-04T00:00')).toBe('2026-06-04T00:00:00.000Z')
  expect(estimate('2026-06-01T02:00', '2026-06-01T03:00')).toBeUndefined()
})

test('a job whose devices name their zones is refused if its window opens nowhere in its time', () => {
  const require = (from: string, to: string, maxExecutionTimeInSeconds: number) =>
    requireOpening({ from, to, timeZoneFrom: 'tags.timeZone' }, 0, {
      startTime: at('2026-06-01T12:00'),
      maxExecutionTimeInSeconds,
    })
  // It is 17:30 in Kolkata, and 17:45 in Kathmandu.
  expect(require('17:31', '17:32', 61)).toBeUndefined()
  expect(require('17:46', '17:47', 61)).toBeUndefined()
  expect(refusal(() => require('17:31', '17:32', 60)).path).toBe('maxExecutionTimeInSeconds')
  expect(refusal(() => require('17:20', '17:25', 60)).path).toBe('maxExecutionTimeInSeconds')
})

test('a window in a zone that only another version of Node.js knew has no known times', () => {
  const window = { ...berlin, timeZone: 'Mars/Olympus' }
  const times = openTimesFrom(berlin, 'Europe/Berlin', at('2026-06-01T00:00'), 0, 1)
  const now = at('2026-06-01T00:30')
  expect(etaInWindow(window, times, { eta: at('2026-06-01T01:30'), deadline: at('2026-06-04T00:00'), now })).toBeNull()
  expect(requireOpening(window, 0, { startTime: now, maxExecutionTimeInSeconds: 1 })).toBeUndefined()
})

test('a job whose time is up before its window opens is refused', () => {
  const require = (startTime: string, maxExecutionTimeInSeconds: number) =>
    requireOpening(berlin, 30_000, { startTime: at(startTime), maxExecutionTimeInSeconds })
  expect(require('2026-06-01T23:00', 3_601)).toBeUndefined()
  expect(require('2026-06-01T01:59', 1)).toBeUndefined()
  expect(refusal(() => require('2026-06-01T23:00', 3_600))).toEqual({
    path: 'maxExecutionTimeInSeconds',
    message:
      'The job would end at 2026-06-02T00:00:00.000Z, before its window is opened at 2026-06-02T00:00:00.000Z. Give more than 3600 seconds, or a later start time.',
  })
})
