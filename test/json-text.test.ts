import { expect, test } from 'vitest'
import { JsonText, jsonPieces, jsonTextOf, onOneLine, printJson } from '../src/json-text.ts'

test('a text is printed as it is, wherever it stands', () => {
  const text = new JsonText('{"big": 12345678901234567890}')
  expect(printJson({ a: [text, 1], b: text, c: 'x' })).toBe(
    '{"a":[{"big": 12345678901234567890},1],"b":{"big": 12345678901234567890},"c":"x"}',
  )
  expect(printJson(text)).toBe(text.text)
})

test('a text that stands in a value twice is one string', () => {
  const text = new JsonText(JSON.stringify('x'.repeat(1000)))
  expect(jsonPieces({ a: text, b: text }).filter((piece) => piece === text.text)).toHaveLength(2)
})

test('a value without texts is printed in one piece', () => {
  expect(jsonPieces({ a: 1 })).toEqual(['{"a":1}'])
})

test('to whatever prints JSON by itself a text is its value', () => {
  expect(JSON.parse(JSON.stringify({ a: new JsonText('[1, null]') }))).toEqual({ a: [1, null] })
})

test('what goes wrong while a value is printed leaves nothing behind', () => {
  const circle: Record<string, unknown> = {}
  circle.self = circle
  expect(() => printJson(circle)).toThrow(TypeError)
  expect(JSON.stringify(new JsonText('1'))).toBe('1')
})

test('an object is printed once, however often it is asked for', () => {
  let printings = 0
  const value = {
    toJSON() {
      printings++
      return 'x'
    },
  }
  expect(jsonTextOf(value)).toBe(jsonTextOf(value))
  expect(jsonTextOf(value).text).toBe('"x"')
  expect(printings).toBe(1)
  expect(jsonTextOf(5).text).toBe('5')
})

test('JSON is put on one line without a change of its meaning', () => {
  const text = '{\r\n  "a": "two\\nlines"\n}'
  expect(onOneLine(text)).not.toMatch(/[\r\n]/)
  expect(JSON.parse(onOneLine(text))).toEqual(JSON.parse(text))
})
