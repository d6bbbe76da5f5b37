import { expect, test } from 'vitest'
import { readInt, readNumber, readSignedInt } from '../../src/console/read-number.ts'

test('a number is read only when the schema can carry it', () => {
  expect(readInt('300')).toBe(300)
  for (const text of ['', '1.5', '2147483648', 'ten']) expect(readInt(text), text).toBeUndefined()
})

test('a number with a sign is read where one may be negative', () => {
  expect(readSignedInt(' -5 ')).toBe(-5)
  expect(readSignedInt('503')).toBe(503)
  expect(readSignedInt('-0')).toBe(0)
  for (const text of ['', '-', '--5', '- 5', '-1.5', '-2147483648']) expect(readSignedInt(text), text).toBeUndefined()
})

test('a number may have a fraction, but neither a sign nor an exponent', () => {
  expect(readNumber(' 2.5 ')).toBe(2.5)
  for (const text of ['', '-1', '1e3', '.5', '2,5']) expect(readNumber(text), text).toBeUndefined()
})
