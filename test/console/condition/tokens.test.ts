import fc from 'fast-check'
import { expect, test } from 'vitest'
import { endsInWord, tokensOf } from '../../../src/console/condition/tokens.ts'

const kindsOf = (text: string) => tokensOf(text).map(({ kind, text }) => `${kind} ${text}`)

test('a condition is taken apart', () => {
  expect(kindsOf("tags.my-tag = 'it\\'s' AND NOT IS_DEFINED(tags.[[a b]].c) /* so */ OR x IN [1.5, true]")).toEqual([
    'path tags.my-tag',
    'operator =',
    "string 'it\\'s'",
    'keyword AND',
    'keyword NOT',
    'function IS_DEFINED',
    'bracket (',
    'path tags.[[a b]].c',
    'bracket )',
    'comment /* so */',
    'keyword OR',
    'path x',
    'keyword IN',
    'bracket [',
    'number 1.5',
    'comma ,',
    'constant true',
    'bracket ]',
  ])
})

test('minus needs a blank beside it', () => {
  expect(kindsOf('a-b - c')).toEqual(['path a-b', 'operator -', 'path c'])
})

test('what is still being typed is one piece, and known to have no end', () => {
  for (const text of ["'nor", '"nor', "'a\\'", 'tags.[[first fl', 'tags.a.[[', '[[x', '/* so']) {
    expect(tokensOf(text), text).toMatchObject([{ text, isOpen: true }])
  }
  for (const text of ["''", "'a\\\\'", 'tags.', 'tags.[[a]]', '/**/']) {
    expect(tokensOf(text), text).toMatchObject([{ text, isOpen: false }])
  }
})

test('whatever the text, its pieces stand in it in their order and leave out blanks only', () => {
  const texts = fc.string({ unit: fc.constantFrom(...`a.-['"\\]/*( 1x,=<😀é\n`) })
  fc.assert(
    fc.property(texts, (text) => {
      let end = 0
      for (const token of tokensOf(text)) {
        expect(text.slice(end, token.from).trim()).toBe('')
        expect(text.slice(token.from, token.to)).toBe(token.text)
        expect(token.to).toBeGreaterThan(token.from)
        end = token.to
      }
      expect(text.slice(end).trim()).toBe('')
    }),
  )
})

test('the end of a text is a word that may go on, unless something follows it', () => {
  expect(['tags.b', 'tags.', 'tags.a = 1 AN', 'tags.a = tru'].map(endsInWord)).toEqual([true, true, true, true])
  expect(['', 'tags.b ', "tags.a = 'x'", 'tags.a = 12', '*'].map(endsInWord)).toEqual([
    false,
    false,
    false,
    false,
    false,
  ])
})
