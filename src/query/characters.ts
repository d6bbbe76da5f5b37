// Which characters may occur where. Every function looks at one character, so that lexing is linear in the text.

const between = (code: number, first: number, last: number) => code >= first && code <= last

export const isDigit = (code: number): boolean => between(code, 0x30, 0x39)

export const isHexDigit = (code: number): boolean =>
  isDigit(code) || between(code, 0x41, 0x46) || between(code, 0x61, 0x66)

export const isBlank = (code: number): boolean => code === 0x20 || between(code, 0x09, 0x0d)

/**
 * Beyond ASCII, the name start characters of XML 1.0 (fifth edition) without its two joiners: letters of all scripts,
 * but neither spaces nor typographic quotes, so that a condition pasted from a word processor is refused instead of
 * being read as a path.
 */
const lettersBeyondAscii: readonly (readonly [number, number])[] = [
  [0xc0, 0xd6],
  [0xd8, 0xf6],
  [0xf8, 0x2ff],
  [0x370, 0x37d],
  [0x37f, 0x1fff],
  [0x2070, 0x218f],
  [0x2c00, 0x2fef],
  [0x3001, 0xd7ff],
  [0xf900, 0xfdcf],
  [0xfdf0, 0xfffd],
  [0x10000, 0xeffff],
]

export const isNameStart = (code: number): boolean =>
  between(code, 0x61, 0x7a) ||
  between(code, 0x41, 0x5a) ||
  code === 0x5f /* _ */ ||
  code === 0x24 /* $ */ ||
  (code > 0x7f && lettersBeyondAscii.some(([first, last]) => between(code, first, last)))

/** Characters after a name's start: also digits and combining marks. The hyphen has its own rule in the lexer. */
export const isNamePart = (code: number): boolean =>
  isNameStart(code) || isDigit(code) || code === 0xb7 || between(code, 0x300, 0x36f)

/**
 * The index of the first character that PostgreSQL's text and jsonb cannot store, NUL or half a surrogate pair; -1 when
 * there is none.
 */
export function firstUnstorable(text: string): number {
  for (let index = 0; index < text.length; index++) {
    const code = text.codePointAt(index) ?? 0
    if (code === 0 || between(code, 0xd800, 0xdfff)) return index
    if (code > 0xffff) index++
  }
  return -1
}
