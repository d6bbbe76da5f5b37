import fc from 'fast-check'
import { expect, test } from 'vitest'
import { localOf, momentOf } from '../../src/console/local-time.ts'

/** Whole minutes of some years, whatever the time zone of this machine makes of them. */
const minutes = fc.integer({ min: 28_000_000, max: 31_000_000 })

test('a local date and time becomes the moment that it was made of', () => {
  fc.assert(
    fc.property(minutes, (minute) => {
      const local = localOf(minute * 60_000)
      // An hour that comes twice is written the same way twice.
      expect(localOf(Date.parse(momentOf(local) ?? ''))).toBe(local)
    }),
  )
})

test('a year that is still being typed stays as it was typed', () => {
  for (const local of ['0002-03-01T06:30', '0020-03-01T06:30', '0202-03-01T06:30']) {
    expect(localOf(Date.parse(momentOf(local) ?? ''))).toBe(local)
  }
})

test('a date and time that is not complete is no moment', () => {
  for (const local of ['', '2026-03-01', 'tomorrow', '2026-13-01T00:00']) expect(momentOf(local), local).toBeUndefined()
})
