import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson, piecesOf, printJson, takeApart } from '../../../src/console/ui/json-text.ts'

test('a text is a value, nothing, or has a problem', () => {
  expect(parseJson('{"a": 1}')).toEqual({ value: { a: 1 } })
  expect(parseJson('null')).toEqual({ value: null })
  expect(parseJson(' \n')).toEqual({ empty: true })
  expect(parseJson('{"a": }')).toHaveProperty('problem')
})

test('what is printed is read again, and its pieces are all of it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = printJson(value)
      expect(parseJson(text)).toEqual({ value: JSON.parse(JSON.stringify(value)) })
      expect(
        takeApart(text)
          .map((piece) => piece.text)
          .join(''),
      ).toBe(text)
    }),
  )
})

test('keys, texts and words are distinguished', () => {
  const kinds = takeApart('{ "a:": "b: 1", "c": [-1.5e3, true] }').flatMap(({ text, kind }) =>
    kind === undefined ? [] : [[kind, text]],
  )
  expect(kinds).toEqual([
    ['key', '"a:"'],
    ['string', '"b: 1"'],
    ['key', '"c"'],
    ['word', '-1.5e3'],
    ['word', 'true'],
  ])
})

describe('a value that a device chose', () => {
  test.each<readonly [string, string, number]>([
    ['is coloured while that is little', '{"a":[1,"x"]}', 8],
    ['is shown without colours when it has many members', `[${'1,'.repeat(60_000)}1]`, 1],
    [
      'is shown on one line when its indentation would be most of it',
      `${'['.repeat(256)}${'1,'.repeat(10_000)}1${']'.repeat(256)}`,
      1,
    ],
  ])('%s', (_sentence, json, count) => {
    const shown = piecesOf(JSON.parse(json))
    expect(shown).toHaveLength(count)
    const text = shown.map((piece) => piece.text).join('')
    expect(JSON.parse(text)).toEqual(JSON.parse(json))
    expect(text.length).toBeLessThan(500_001)
  })
})
