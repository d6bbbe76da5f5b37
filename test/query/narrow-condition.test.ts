import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QueryConditionError } from '../../src/errors.ts'
import { maxConditionLength } from '../../src/query/lexer.ts'
import { narrowCondition } from '../../src/query/narrow-condition.ts'
import { parseCondition } from '../../src/query/parser.ts'

const north = "tags.site = 'north'"

describe('two conditions are joined so that both hold', () => {
  test.each([
    ['both bare', north, 'deviceId > "m"', `(${north}) AND (deviceId > "m")`],
    ['an OR keeps to itself', 'tags.a = 1 OR tags.b = 1', north, `(tags.a = 1 OR tags.b = 1) AND (${north})`],
    ['the star drops out', '*', north, north],
    ['on the other side too', north, ' * ', north],
    ['and on both', '*', '*', '*'],
    ['FROM alone is the star', 'FROM devices', north, north],
    ['FROM … WHERE drops out', `from [[devices]]\n  where ${north}`, 'tags.a = 1', `(${north}) AND (tags.a = 1)`],
    ['FROM … WHERE of the second', north, 'FROM devices WHERE tags.a = 1', `(${north}) AND (tags.a = 1)`],
    [
      'a path that is called like FROM',
      '[[from]].devices.there = 1',
      north,
      `([[from]].devices.there = 1) AND (${north})`,
    ],
    ['the same twice is once', north, `FROM devices WHERE ${north}`, north],
  ])('%s', (_what, condition, further, both) => {
    expect(narrowCondition(condition, further)).toBe(both)
  })

  test('whatever stands between FROM and the condition', () => {
    const blank = fc.stringMatching(/^( |\n|\t|\/\*[^*]{0,4}\*\/){1,4}$/)
    fc.assert(
      fc.property(blank, blank, blank, (one, two, three) => {
        const text = `${one}FROM${two}devices${three}WHERE${two}${north}${one}`
        const joined = parseCondition(narrowCondition(text, 'tags.a = 1'))
        expect(joined).toMatchObject({ kind: 'where', expression: { kind: 'and', operands: { length: 2 } } })
        expect(narrowCondition(text, '*').startsWith(north)).toBe(true)
      }),
    )
  })
})

test('each has to parse alone: no text can reach into the other', () => {
  expect(() => narrowCondition(north, 'true) OR (true')).toThrow(QueryConditionError)
  expect(() => narrowCondition(north, 'tags.a = 1 /* ')).toThrow(expect.objectContaining({ line: 1, column: 12 }))
})

test('what is over a limit only together is refused', () => {
  const long = `tags.a = '${'x'.repeat(maxConditionLength / 2)}'`
  expect(() => narrowCondition(long, long.replace('a', 'b'))).toThrow(/characters/)
})
