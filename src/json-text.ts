import { randomUUID } from 'node:crypto'

/** What stands for texts while the value around them is printed. Nobody else knows it, so no string holds it. */
const mark = randomUUID()
const marks = new RegExp(`"${mark}:(\\d+)"`)

/** The texts in the value that is being printed. Printing is never interrupted. */
let printing: string[] | undefined

/**
 * JSON that is passed on as text: neither parsed nor printed again, however often it stands in an answer. To
 * `JSON.stringify` it is the value itself.
 */
export class JsonText {
  readonly text: string
  /** `text` must be JSON. */
  constructor(text: string) {
    this.text = text
  }
  toJSON(): unknown {
    return printing === undefined ? JSON.parse(this.text) : `${mark}:${printing.push(this.text) - 1}`
  }
}

/** A value that may hold such texts as JSON, in pieces; the texts are pieces, and are not copied. */
export function jsonPieces(value: unknown): readonly string[] {
  if (value instanceof JsonText) return [value.text]
  const texts: string[] = []
  printing = texts
  try {
    const printed = JSON.stringify(value)
    if (texts.length === 0) return [printed]
    return printed.split(marks).map((piece, index) => (index % 2 === 0 ? piece : (texts[Number(piece)] ?? '')))
  } finally {
    printing = undefined
  }
}

/** The same in one piece. */
export const printJson = (value: unknown): string => jsonPieces(value).join('')

const printed = new WeakMap<object, JsonText>()

/** A value as text. An object is printed once, however often it is asked for; it must not be changed afterwards. */
export function jsonTextOf(value: unknown): JsonText {
  if (value instanceof JsonText) return value
  if (typeof value !== 'object' || value === null) return new JsonText(JSON.stringify(value))
  const text = printed.get(value) ?? new JsonText(printJson(value))
  printed.set(value, text)
  return text
}

/** JSON as somebody wrote it, on one line: outside of strings a line break is white space, and inside there is none. */
export const onOneLine = (text: string): string => (/[\r\n]/.test(text) ? text.replace(/[\r\n]/g, ' ') : text)
