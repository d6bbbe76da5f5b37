import { expect, test } from 'vitest'
import { checkRecurrence, lastTimeUntil, type Recurrence, timesAfter } from '../../src/job-schedule/cron.ts'

const recurrence = (cron: string, timeZone = 'UTC', endTime: Date | null = null): Recurrence => ({
  cron,
  timeZone,
  endTime,
})
const at = (text: string) => new Date(text)
const texts = (times: readonly Date[]) => times.map((time) => time.toISOString().slice(0, 16))

test.each([
  // Berlin: 02:00 is followed by 03:00 on 29 March 2026, and 03:00 by 02:00 on 25 October 2026.
  ['a time of day keeps its hour', '0 9 * * *', 'Europe/Berlin', '2026-03-28T00:00Z', ['03-28T08:00', '03-29T07:00']],
  [
    'a time in the gap is moved to its end',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-03-28T12:00Z',
    ['03-29T01:00', '03-30T00:30'],
  ],
  ['the first time of the gap, too', '0 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', ['03-29T01:00', '03-30T00:00']],
  [
    'a time that occurs twice is planned once',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-10-24T12:00Z',
    ['10-25T00:30', '10-26T01:30'],
  ],
  [
    'every hour is every real hour in spring',
    '0 * * * *',
    'Europe/Berlin',
    '2026-03-28T23:30Z',
    ['03-29T00:00', '03-29T01:00', '03-29T02:00'],
  ],
  ['and in autumn', '0 * * * *', 'Europe/Berlin', '2026-10-24T23:30Z', ['10-25T00:00', '10-25T01:00', '10-25T02:00']],
  ['a gap of half an hour', '15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T00:00Z', ['10-03T15:30', '10-04T15:15']],
  ['the other hemisphere', '30 1 * * *', 'America/New_York', '2026-10-31T12:00Z', ['11-01T05:30', '11-02T06:30']],
  ['days of the week', '0 2 * * MON-FRI', 'UTC', '2026-11-27T12:00Z', ['11-30T02:00', '12-01T02:00']],
])('%s', (_what, cron, timeZone, from, expected) => {
  const times = timesAfter(recurrence(cron, timeZone), at(from), expected.length)
  expect(texts(times)).toEqual(expected.map((text) => `2026-${text}`))
})

test.each([
  ['30 2 * * *', 'Europe/Berlin'],
  ['*/30 * * * *', 'Europe/Berlin'],
  ['15 2,3 * * *', 'Australia/Lord_Howe'],
  ['0 0 * * *', 'America/New_York'],
])('the last time until a time is one of the next times, over all clock changes: %s in %s', (cron, timeZone) => {
  const each = recurrence(cron, timeZone)
  for (const day of ['2026-03-28', '2026-04-04', '2026-10-03', '2026-10-24', '2026-10-31', '2026-03-07']) {
    const from = at(`${day}T00:10Z`)
    const times = timesAfter(each, from, 200)
    for (let minutes = 1; minutes < 60 * 50; minutes += 7) {
      const to = new Date(from.getTime() + minutes * 60_000 + 500)
      const expected = times.filter((time) => time <= to).at(-1)
      expect(lastTimeUntil(each, from, to)?.toISOString()).toBe(expected?.toISOString())
    }
  }
})

test('the end is the last possible time', () => {
  const daily = recurrence('0 2 * * *', 'UTC', at('2026-12-02T02:00Z'))
  expect(texts(timesAfter(daily, at('2026-11-30T12:00Z'), 5))).toEqual(['2026-12-01T02:00', '2026-12-02T02:00'])
  expect(lastTimeUntil(daily, at('2026-11-30T12:00Z'), at('2026-12-24T00:00Z'))).toEqual(at('2026-12-02T02:00Z'))
  expect(lastTimeUntil(daily, at('2026-12-02T02:00Z'), at('2026-12-24T00:00Z'))).toBeUndefined()
})

const now = at('2026-11-30T12:00Z')

test.each([
  ['four fields', { cron: '0 2 * *' }, ['cron'], 'five fields'],
  ['seconds', { cron: '0 0 2 * * *' }, ['cron'], 'five fields'],
  ['a name', { cron: '@daily' }, ['cron'], 'five fields'],
  ['no text', { cron: 5 }, ['cron'], 'text'],
  ['a minute that does not exist', { cron: '60 2 * * *' }, ['cron'], 'Invalid value for minute: 60'],
  ['a step of 0', { cron: '*/0 * * * *' }, ['cron'], 'stepping'],
  ['a day that does not exist', { cron: '0 0 30 2 *' }, ['cron'], 'never'],
  ['a zone that does not exist', { timeZone: 'Europe/Atlantis' }, ['timeZone'], 'IANA'],
  ['an offset', { timeZone: '+01:00' }, ['timeZone'], 'IANA'],
  ['no zone', { timeZone: '' }, ['timeZone'], 'IANA'],
  ['an end in the past', { endTime: at('2026-11-30T11:59Z') }, ['endTime'], 'future'],
  ['an end before the first time', { endTime: at('2026-11-30T13:00Z') }, ['endTime'], 'no time before the end'],
])('%s is refused', (_what, changes, path, message) => {
  const given = { cron: '0 2 * * *', timeZone: 'Europe/Berlin', endTime: null, ...changes }
  expect(() => checkRecurrence(given, now)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', path }))
  expect(() => checkRecurrence(given, now)).toThrow(message)
})

test.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'])('%s is a zone', (timeZone) => {
  expect(checkRecurrence({ cron: ' 0  2 * * * ', timeZone, endTime: null }, now)).toEqual({
    cron: '0  2 * * *',
    timeZone,
    endTime: null,
  })
})
