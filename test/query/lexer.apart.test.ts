import { describe, expect, test } from 'vitest'
import { QueryConditionError } from '../../src/errors.ts'
import { maxConditionLength, tokenize } from '../../src/query/lexer.ts'
import { conditionError } from './errors.ts'

const shown = (text: string) =>
  tokenize(text)
    .slice(0, -1)
    .map((token) =>
      token.kind === 'end' ? 'end' : `${token.kind} ${token.kind === 'number' ? token.value : token.text}`,
    )

describe('a condition is cut into tokens', () => {
  test.each<[string, string[]]>([
    ['', []],
    [' \t\r\n', []],
    ['a and B', ['name a', 'name and', 'name B']],
    ['tags.my-tag', ['name tags', 'symbol .', 'name my-tag']],
    ['a -b', ['name a', 'symbol -', 'name b']],
    ['a - b', ['name a', 'symbol -', 'name b']],
    ['a-1', ['name a-1']],
    ['a--b', ['name a', 'symbol -', 'symbol -', 'name b']],
    ['a- b', ['name a', 'symbol -', 'name b']],
    ['$version _x ärger 温度 𝒳', ['name $version', 'name _x', 'name ärger', 'name 温度', 'name 𝒳']],
    ['[[odd key?]] [[]] [[a]b]] [[x\ny]]', ['segment odd key?', 'segment ', 'segment a]b', 'segment x\ny']],
    ['[ [', ['symbol [', 'symbol [']],
    ['1 1.5 .5 1e3 1E-3 1.5e+2', ['number 1', 'number 1.5', 'number 0.5', 'number 1000', 'number 0.001', 'number 150']],
    ['0x0A 0Xff', ['number 10', 'number 255']],
    ['1e999', ['number Infinity']],
    ['1.x', ['number 1', 'symbol .', 'name x']],
    ['1ex', ['number 1', 'name ex']],
    ['0x1g', ['number 1', 'name g']],
    [`'a"b' "a'b" ''`, ['string a"b', "string a'b", 'string ']],
    [`'O\\'Brien' "\\"" '\\\\' '\\u0041\\ud83d\\ude00'`, ["string O'Brien", 'string "', 'string \\', 'string A😀']],
    ["'O''Brien'", ['string O', 'string Brien']],
    ["'%_' '\n'", ['string %_', 'string \n']],
    ['<= >= <> != < > = == ,', '<= >= <> != < > = = = ,'.split(' ').map((symbol) => `symbol ${symbol}`)],
    ['1/* tags = */+/**/2', ['number 1', 'symbol +', 'number 2']],
    ["'/* no comment */'", ['string /* no comment */']],
  ])('%j', (text, tokens) => {
    expect(shown(text)).toEqual(tokens)
  })
})

test('a token knows its line and column, also behind line ends in comments, strings and segments', () => {
  const positions = tokenize("a\n  b /*\n\n*/ c '\n' d [[\n]] e").map(({ position }) => [
    position.line,
    position.column,
  ])
  expect(positions).toEqual([
    [1, 1],
    [2, 3],
    [4, 4],
    [4, 6],
    [5, 3],
    [5, 5],
    [6, 4],
    [6, 5],
  ])
})

describe('what is no token is refused where it stands', () => {
  test.each([
    ["tags.site = 'north", 'unterminated string (line 1, column 13)'],
    ["a = 'x\\'", 'unterminated string (line 1, column 5)'],
    ["a = 'x\\", 'unknown escape'],
    ["a = '\\n'", 'unknown escape; \\\' \\" \\\\ and \\u with four digits are known (line 1, column 6)'],
    ["'\\u12g4'", 'unknown escape'],
    ['a = /* x', 'unterminated comment (line 1, column 5)'],
    ['tags.[[x]', "unterminated path segment; '[[' requires ']]' (line 1, column 6)"],
    ['0x', 'a hexadecimal number requires digits after 0x (line 1, column 1)'],
    ['a = 1;', 'unexpected semicolon; a condition ends without one (line 1, column 6)'],
    ['a\n= “north”', "unexpected '“' (line 2, column 3)"],
    ['a\u00a0= 1', "unexpected '\u00a0' (line 1, column 2)"],
    ['a | b', "unexpected '|' (line 1, column 3)"],
    ['a ! b', "unexpected '!' (line 1, column 3)"],
    ["'\\u0000'", 'a string cannot contain NUL or half of a surrogate pair (line 1, column 1)'],
    ["a = '\\ud83d'", 'a string cannot contain NUL or half of a surrogate pair (line 1, column 5)'],
    ["'\\ude00\\ud83d'", 'a string cannot contain NUL'],
    ["a =\n '\0'", 'NUL and half of a surrogate pair are not allowed (line 2, column 3)'],
    ['tags.[[\ud800]]', 'NUL and half of a surrogate pair are not allowed (line 1, column 8)'],
    ['/* \udc00 */ *', 'NUL and half of a surrogate pair are not allowed (line 1, column 4)'],
    ['x'.repeat(8193), 'the condition has 8193 characters; at most 8192 are allowed (line 1, column 1)'],
  ])('%j', (text, message) => {
    expect(conditionError(() => tokenize(text)).message).toContain(message)
  })
})

test('the longest condition is read', () => {
  expect(tokenize('x'.repeat(maxConditionLength))).toHaveLength(2)
})

test('lexing takes time in proportion to the text, whatever the text', () => {
  const hostile = ['-', "'\\u0000", '\\u', '[[', '/*', '.', 'a-', '0x', '1e', "'", '(', '<', '\n', '😀', 'ä']
  const before = process.cpuUsage()
  for (const piece of hostile) {
    try {
      tokenize(piece.repeat(maxConditionLength / piece.length))
    } catch (error) {
      expect(error).toBeInstanceOf(QueryConditionError)
    }
  }
  // Microseconds of the processor, however busy the machine is.
  expect(process.cpuUsage(before).user).toBeLessThan(1_000_000)
})
