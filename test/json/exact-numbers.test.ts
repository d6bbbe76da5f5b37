import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inexactNumberIn, parseExactly } from '../../src/json/exact-numbers.ts'
import { printJson } from '../../src/json/json-text.ts'

test.each(['12345678901234567890', '-9007199254740993', '1e999', '-1E+999', '1e-999', '0.5e-400'])(
  '%s is a number that a double cannot hold',
  (number) => {
    expect(inexactNumberIn(`{"a": [1, ${number}]}`)).toBe(number)
    expect(printJson(parseExactly(`{"a": [1, ${number}]}`))).toBe(`{"a":[1,${number}]}`)
  },
)

test.each(['9007199254740991', '-0', '12345678901234567000', '0.1234567890123456789', '1e300', '0e999', '1.0'])(
  '%s is a number as any parser reads it',
  (number) => {
    expect(inexactNumberIn(`[${number}]`)).toBeUndefined()
    expect(parseExactly(`[${number}]`)).toEqual([JSON.parse(number)])
  },
)

test('the first number that a double cannot hold is found among others', () => {
  expect(inexactNumberIn('[-0, 0.0, 1e5, 12345678901234567890, 1e999]')).toBe('12345678901234567890')
})

test('digits in strings and names are not numbers', () => {
  const text = String.raw`{"12345678901234567890": "a \" 12345678901234567890 \\", "b": 12345678901234567891}`
  expect(inexactNumberIn(text)).toBe('12345678901234567891')
  expect(printJson(parseExactly(text))).toBe(text.replaceAll(': ', ':').replace(', ', ','))
})

test('any value is parsed as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseExactly(text)).toEqual(JSON.parse(text))
    }),
  )
})
