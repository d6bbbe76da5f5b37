import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  dateTimeExample,
  parseCertificateTime,
  parseDateTime,
  parseZonedDateTime,
  printDateTime,
} from '../src/date-time.ts'

describe('a time', () => {
  test.each([
    ['2024-05-01T10:00:00Z', '2024-05-01T10:00:00.000Z'],
    ['2024-05-01T10:00:00.1234567Z', '2024-05-01T10:00:00.123Z'], // .NET writes seven decimals
    ['2024-05-01T10:00:00.999999999Z', '2024-05-01T10:00:00.999Z'],
    ['2024-05-01T10:00:00.12Z', '2024-05-01T10:00:00.120Z'],
    ['2024-05-01T12:00:00+02:00', '2024-05-01T10:00:00.000Z'],
    ['2024-05-01T05:30:00-0430', '2024-05-01T10:00:00.000Z'],
    ['2024-05-01T10:00:00', '2024-05-01T10:00:00.000Z'],
    ['2024-05-01 10:00', '2024-05-01T10:00:00.000Z'],
    ['2024-05-01t10:00:00z', '2024-05-01T10:00:00.000Z'],
    ['2024-05-01', '2024-05-01T00:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.9999999Z', '9999-12-31T23:59:59.999Z'],
    ['0001-01-01T00:00:00-01:00', '0001-01-01T01:00:00.000Z'],
    [dateTimeExample, '2026-03-01T06:30:00.000Z'],
  ])('may be %s', (text, iso) => {
    expect(parseDateTime(text)?.toISOString()).toBe(iso)
  })

  test.each([
    '2026-11-31T10:00:00Z',
    '2026-02-30',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-32T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T10:60:00Z',
    '2026-01-01T10:00:60Z',
    '2026-01-01T10:00:00+24:00',
    '2026-01-01T10:00:00+02:60',
    '0000-01-01T00:00:00Z',
    '0000-12-31T23:59:59Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '10000-01-01T00:00:00Z',
    '+002026-01-01T00:00:00Z',
    '-271820-01-01T00:00:00Z',
    '2026-1-1',
    '2026-01-01T10',
    '2026-01-01T10:00:00.Z',
    '2026-01-01T10:00:00.1234567890Z',
    '2026-01-01Z',
    ' 2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00Z\n',
    '٢٠٢٦-٠١-٠١',
    'Thu, 01 Jan 2026 00:00:00 GMT',
    '1714557600',
    'soon',
    '',
  ])('may not be %j', (text) => {
    expect(parseDateTime(text)).toBeUndefined()
  })

  test('of any moment from year 1 to 9999 is read as it is printed, in any zone', () => {
    const moments = fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true })
    fc.assert(
      fc.property(moments, fc.integer({ min: -23 * 60, max: 23 * 60 }), (moment, offset) => {
        const local = new Date(moment.getTime() + offset * 60_000).toISOString().slice(0, -1)
        const minutes = Math.abs(offset)
        const zone = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':')
        expect(parseDateTime(`${local}${offset < 0 ? '-' : '+'}${zone}`)).toEqual(moment)
      }),
    )
  })

  test('of any three numbers is read when there is such a day, and only then', () => {
    const number = fc.integer({ min: 0, max: 40 })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9999 }), number, number, (year, month, day) => {
        const days = [31, year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28]
        const length = [...days, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0
        const text = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
        expect([text, parseDateTime(text) !== undefined]).toEqual([text, year > 0 && day > 0 && day <= length])
      }),
    )
  })
})

test.each(['2026-03-01T06:30:00', '2026-03-01', '2026-03-01 06:30Z', '2026-03-01T06:30+0100', '2026-02-30T06:30Z'])(
  'where an offset is needed, %s will not do',
  (text) => {
    expect(parseZonedDateTime(text)).toBeUndefined()
    expect(parseZonedDateTime('2026-03-01T06:30+01:00')?.toISOString()).toBe('2026-03-01T05:30:00.000Z')
  },
)

test('the times of certificates are read as OpenSSL prints them', () => {
  expect(parseCertificateTime('Mar  1 06:30:00 2026 GMT')?.toISOString()).toBe('2026-03-01T06:30:00.000Z')
  expect(parseCertificateTime('Dec 31 23:59:59 9999 GMT')?.toISOString()).toBe('9999-12-31T23:59:59.000Z')
  for (const text of [
    'Feb 30 00:00:00 2026 GMT',
    'Foo  1 00:00:00 2026 GMT',
    'Mar  1 06:30:00 2026',
    'Bad time value',
  ]) {
    expect(parseCertificateTime(text)).toBeUndefined()
  }
})

test('a time is printed as toISOString prints it, on whichever day the time before was', () => {
  const moments = fc.date({ noInvalidDate: true })
  const sameDay = fc.tuple(moments, fc.integer({ min: -86_400_000, max: 86_400_000 })).map(([moment, distance]) => {
    const near = new Date(moment.getTime() + distance)
    return [moment, Number.isNaN(near.getTime()) ? moment : near]
  })
  fc.assert(
    fc.property(sameDay, (near) => {
      expect(near.map(printDateTime)).toEqual(near.map((moment) => moment.toISOString()))
    }),
    { numRuns: 2000 },
  )
})

test('a time that does not exist cannot be printed, as with toISOString', () => {
  expect(() => printDateTime(new Date(Number.NaN))).toThrow(RangeError)
})
