import fc from 'fast-check'
import { expect, test } from 'vitest'
import { characterAt, describeFault, faultOf, isAtEnd, offsetOf } from '../../../src/console/condition/fault.ts'
import { QueryConditionError } from '../../../src/errors.ts'

test('a condition that the hub refuses is shown once, with its position', () => {
  const { message, line, column } = new QueryConditionError("unexpected '='", 2, 12)
  const error = { graphQLErrors: [{ message, extensions: { code: 'QUERY_CONDITION', line, column } }] }
  expect(faultOf(error)).toEqual({ message: "unexpected '='", line: 2, column: 12 })
})

test('other failures are no faults of the condition', () => {
  expect(faultOf(undefined)).toBeUndefined()
  expect(faultOf({ graphQLErrors: [] })).toBeUndefined()
  expect(faultOf({ graphQLErrors: [{ message: 'no', extensions: { code: 'FORBIDDEN' } }] })).toBeUndefined()
})

test('a fault is shown with its line when the condition has several', () => {
  const fault = { message: "unexpected '='", line: 2, column: 12 }
  expect(describeFault(fault, 'a = 1 AND\n b == 2')).toBe("Line 2, column 12: unexpected '='")
  expect(describeFault({ ...fault, line: 1 }, 'a = 1')).toBe("Column 12: unexpected '='")
})

test('a line and a column are found again in the text', () => {
  const texts = fc.string({ unit: fc.constantFrom('a', ' ', '\n', '😀') })
  fc.assert(
    fc.property(texts, fc.nat(), (text, number) => {
      const offset = number % (text.length + 1)
      const before = text.slice(0, offset)
      const place = { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
      expect(offsetOf(text, place)).toBe(offset)
    }),
  )
})

test('a place outside of the text is brought into it', () => {
  expect(offsetOf('ab', { line: 9, column: 9 })).toBe(2)
  expect(offsetOf('', { line: 1, column: 1 })).toBe(0)
})

test('a line is put under something that can be seen', () => {
  expect(characterAt('a = b', 2)).toEqual({ from: 2, to: 3 })
  expect(characterAt('a =  ', 5)).toEqual({ from: 2, to: 3 })
  expect(characterAt('a 😀', 2)).toEqual({ from: 2, to: 4 })
  expect(characterAt('  ', 1)).toBeUndefined()
})

test.each([
  ['tags.floor =', 1, 13, true],
  ['tags.floor = ', 1, 13, true],
  ["tags.site = 'nor", 1, 13, true],
  ['tags.site AN', 1, 11, true],
  ['tags.site = 1\n AND', 2, 5, true],
  ['tags.site AN ', 1, 11, false],
  ['tags.site ?', 1, 11, false],
  ['tags. site = 1', 1, 7, false],
])('%j may only be incomplete at line %i, column %i: %s', (text, line, column, isIncomplete) => {
  expect(isAtEnd(text, { message: 'unexpected', line, column })).toBe(isIncomplete)
})
