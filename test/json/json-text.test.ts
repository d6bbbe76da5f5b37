import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  JsonText,
  jsonPieces,
  jsonTextOf,
  membersOfText,
  onOneLine,
  printJson,
  waitingText,
} from '../../src/json/json-text.ts'

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

test('a long text that waits is kept as bytes, a short one as it is, and both are printed as they are', () => {
  const [long, short] = [JSON.stringify('ä€😀'.repeat(2_000)), '["ä"]']
  expect(waitingText(long).piece).toEqual(Buffer.from(long))
  expect(waitingText(short).piece).toBe(short)
  for (const text of [long, short]) {
    const waiting = waitingText(text)
    expect(waiting.text).toBe(text)
    expect(printJson({ a: waiting, b: [waiting] })).toBe(`{"a":${text},"b":[${text}]}`)
    expect(JSON.stringify(waiting)).toBe(text)
  }
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

test('the members of an object are texts as they stand in its text', () => {
  const text = ' { "a" : 1e999 , "b":[1.0,{"a":2}],"c":"x, }\\" y","\\u0064": {"a":{}} ,"e":null,"":-0} '
  const names = new Set(['a', 'b', 'c', 'd', 'e', '', 'x'])
  expect([...membersOfText(text, names)]).toEqual([
    ['a', '1e999'],
    ['b', '[1.0,{"a":2}]'],
    ['c', '"x, }\\" y"'],
    ['d', '{"a":{}}'],
    ['e', 'null'],
    ['', '-0'],
  ])
  expect([...membersOfText(text, new Set(['b']))]).toEqual([['b', '[1.0,{"a":2}]']])
  expect(membersOfText('{"a":1,"a":2}', names).get('a')).toBe('2')
})

test.each(['{}', ' { } ', '[{"a":1}]', '"{\\"a\\":1}"', '7', 'null'])('%s has no members', (text) => {
  expect(membersOfText(text, new Set(['a', ''])).size).toBe(0)
})

test('the members of any object are what a parser reads', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
      const members = membersOfText(JSON.stringify(value, null, space), new Set(Object.keys(value)))
      const read = [...members].map(([name, text]): [string, unknown] => [name, JSON.parse(text)])
      expect(new Map(read)).toEqual(new Map(Object.entries(JSON.parse(JSON.stringify(value)))))
    }),
  )
})
