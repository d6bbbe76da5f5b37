import { QueryConditionError } from '../errors.ts'
import type { Position } from './ast.ts'
import { firstUnstorable, isBlank, isDigit, isHexDigit, isNamePart, isNameStart } from './characters.ts'

/**
 * One token. `name` is a bare word, keyword or not: the parser knows which words are reserved where. `segment` is a
 * path segment from double brackets, never a keyword. `end` closes every list of tokens.
 */
export type Token = { readonly position: Position } & (
  | { readonly kind: 'name' | 'segment' | 'string' | 'symbol'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string; readonly value: number }
  | { readonly kind: 'end' }
)

/** Maximum length, as in Azure IoT Hub. Counted in UTF-16 code units. */
export const maxConditionLength = 8192

const symbols = ['<=', '>=', '<>', '!=', '(', ')', '[', ']', ',', '.', '+', '-', '*', '/', '%', '=', '<', '>']

/** The kind of a text, for messages. */
export type Whole = 'condition' | 'statement' | 'path'

/**
 * Cuts a condition, a statement or a path into tokens, reading each character a bounded number of times.
 * @throws QueryConditionError at the first character that fits nowhere, or when the text is too long.
 */
export function tokenize(text: string, whole: Whole = 'condition'): readonly Token[] {
  if (text.length > maxConditionLength)
    throw new QueryConditionError(
      `the ${whole} has ${text.length} characters; at most ${maxConditionLength} are allowed`,
      1,
      1,
    )
  const tokens: Token[] = []
  let index = 0
  let line = 1
  let lineStart = 0

  // Past the end this is NaN, which no character test accepts.
  const codeAt = (at: number) => text.codePointAt(at) ?? Number.NaN
  const here = (): Position => ({ line, column: index - lineStart + 1 })
  const fail = (message: string, at: Position): never => {
    throw new QueryConditionError(message, at.line, at.column)
  }

  /** Moves on and counts line ends; only white space, comments and quoted text can contain one. */
  const advanceTo = (end: number) => {
    for (; index < end; index++)
      if (text[index] === '\n') {
        line++
        lineStart = index + 1
      }
  }

  const skipDigits = (from: number, test: (code: number) => boolean) => {
    let end = from
    while (test(codeAt(end))) end++
    return end
  }

  const readNumber = (position: Position) => {
    const start = index
    const isHex = text[start] === '0' && (text[start + 1] === 'x' || text[start + 1] === 'X')
    if (isHex) {
      index = skipDigits(start + 2, isHexDigit)
      if (index === start + 2) fail('a hexadecimal number requires digits after 0x', position)
    } else {
      index = skipDigits(start, isDigit)
      if (text[index] === '.' && isDigit(codeAt(index + 1))) index = skipDigits(index + 1, isDigit)
      if (text[index] === 'e' || text[index] === 'E') {
        const digits = text[index + 1] === '+' || text[index + 1] === '-' ? index + 2 : index + 1
        if (isDigit(codeAt(digits))) index = skipDigits(digits, isDigit)
      }
    }
    const digits = text.slice(start, index)
    tokens.push({ kind: 'number', text: digits, value: Number(digits), position })
  }

  const readName = (position: Position) => {
    const start = index
    for (;;) {
      const code = codeAt(index)
      if (isNamePart(code)) index += code > 0xffff ? 2 : 1
      // A hyphen between two name characters belongs to the name: `tags.my-tag`. A minus needs white space next to it.
      else if (text[index] === '-' && isNamePart(codeAt(index + 1))) index++
      else break
    }
    tokens.push({ kind: 'name', text: text.slice(start, index), position })
  }

  const readSegment = (position: Position) => {
    const end = text.indexOf(']]', index + 2)
    if (end === -1) fail("unterminated path segment; '[[' requires ']]'", position)
    tokens.push({ kind: 'segment', text: text.slice(index + 2, end), position })
    advanceTo(end + 2)
  }

  const readEscape = (): string => {
    const escaped = text[index + 1] ?? ''
    if (escaped === "'" || escaped === '"' || escaped === '\\') {
      index += 2
      return escaped
    }
    const end = skipDigits(index + 2, isHexDigit)
    if (escaped !== 'u' || end < index + 6)
      fail('unknown escape; \\\' \\" \\\\ and \\u with four digits are known', here())
    index += 6
    return String.fromCharCode(Number.parseInt(text.slice(index - 4, index), 16))
  }

  const readString = (position: Position) => {
    const quote = text[index]
    const parts: string[] = []
    index++
    while (text[index] !== quote) {
      if (index >= text.length) fail('unterminated string', position)
      if (text[index] === '\\') parts.push(readEscape())
      else {
        parts.push(text[index] ?? '')
        advanceTo(index + 1)
      }
    }
    index++
    const value = parts.join('')
    if (firstUnstorable(value) !== -1) fail('a string cannot contain NUL or half of a surrogate pair', position)
    tokens.push({ kind: 'string', text: value, position })
  }

  const skipComment = () => {
    const end = text.indexOf('*/', index + 2)
    if (end === -1) fail('unterminated comment', here())
    advanceTo(end + 2)
  }

  const unstorable = firstUnstorable(text)
  if (unstorable !== -1) {
    advanceTo(unstorable)
    fail('NUL and half of a surrogate pair are not allowed', here())
  }
  while (index < text.length) {
    const code = codeAt(index)
    const position = here()
    if (isBlank(code)) advanceTo(index + 1)
    else if (text.startsWith('/*', index)) skipComment()
    else if (isNameStart(code)) readName(position)
    else if (isDigit(code) || (text[index] === '.' && isDigit(codeAt(index + 1)))) readNumber(position)
    else if (text[index] === "'" || text[index] === '"') readString(position)
    else if (text.startsWith('[[', index)) readSegment(position)
    else {
      const symbol = symbols.find((candidate) => text.startsWith(candidate, index))
      // By name: REST messages contain no semicolon.
      if (text[index] === ';') fail(`unexpected semicolon; a ${whole} ends without one`, position)
      if (symbol === undefined) return fail(`unexpected '${String.fromCodePoint(code)}'`, position)
      index += symbol.length
      tokens.push({ kind: 'symbol', text: symbol, position })
    }
  }
  tokens.push({ kind: 'end', position: here() })
  return tokens
}
