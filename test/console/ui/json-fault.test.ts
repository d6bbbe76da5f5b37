import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonFault } from '../../../src/console/ui/json-fault.ts'

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('a text that is not JSON', () => {
  test.each([
    ['{ "site": north, }', 'expected a value after "site": (line 1)'],
    ['{\n  "a": 1\n  "b": 2\n}', 'expected a comma or } after 1 (line 3)'],
    ['{ site: 1 }', 'expected a key in double quotes or } after { (line 1)'],
    ['{ "a": 1, }', 'expected a key in double quotes after , (line 1)'],
    ['{ "a" 1 }', 'expected a colon after "a" (line 1)'],
    ['[1,\n2', 'expected a comma or ] after 2 (line 2)'],
    ['[', 'expected a value or ] after [ (line 1)'],
    ['{ "a": "b }', 'unclosed or invalid string after "a": (line 1)'],
    ['1 2', 'expected no more text after 1 (line 1)'],
    ['hello', 'expected a value (line 1)'],
    ['{ "a": \n\n', 'expected a value after "a": (line 1)'],
    [`{ "${'x'.repeat(40)}": }`, `expected a value after …${'x'.repeat(29)}": (line 1)`],
  ])('says what is missing, and where: %j', (text, fault) => {
    expect(jsonFault(text)).toBe(fault)
  })

  test('is distinguished from one that is, as the JavaScript engine does', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"\\u00e9"',
      '"\\x"',
      '1',
      '-0.5e3',
      '01',
      'null',
      'True',
      ' ',
      '\n',
      '\u00a0',
      '"\u0080"',
      '"\t"',
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 9 }), (parts) => {
        const text = parts.join('')
        expect(jsonFault(text) === undefined).toBe(isJson(text))
      }),
      { numRuns: 2_000 },
    )
    fc.assert(
      fc.property(fc.json(), fc.nat(), (json, at) => {
        expect(jsonFault(json)).toBeUndefined()
        const broken = json.slice(0, at % (json.length + 1))
        expect(jsonFault(broken) === undefined).toBe(isJson(broken))
      }),
    )
  })

  test('may be as deep as it likes', () => {
    expect(jsonFault('['.repeat(200_000))).toContain('expected a value or ]')
  })
})
