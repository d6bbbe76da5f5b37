import { randomUUID } from 'node:crypto'

/** A placeholder for texts while the value around them is printed. It is secret, so no string contains it. */
const mark = randomUUID()
const marks = new RegExp(`"${mark}:(\\d+)"`)

/** A part of printed JSON: text, or its bytes. */
export type JsonPiece = string | Buffer

/** The texts in the value that is being printed. Printing is never interrupted. */
let printing: JsonPiece[] | undefined

/**
 * JSON that is passed on as text: neither parsed nor printed again, however often it occurs in an answer.
 * `JSON.stringify` prints it as the value itself.
 */
export class JsonText {
  readonly piece: JsonPiece
  /** `piece` must be JSON. */
  constructor(piece: JsonPiece) {
    this.piece = piece
  }
  get text(): string {
    return String(this.piece)
  }
  toJSON(): unknown {
    return printing === undefined ? JSON.parse(this.text) : `${mark}:${printing.push(this.piece) - 1}`
  }
}

/** Characters from which on a text that waits to be sent is kept as bytes. */
const longText = 4_096

/**
 * Text that waits with many others until it is sent. A long one is kept as bytes: the garbage collector copies strings that
 * are in use twice, and megabytes of them stop all other work for ten milliseconds. Bytes are not copied.
 */
export const waitingText = (text: string): JsonText => new JsonText(text.length < longText ? text : Buffer.from(text))

/**
 * A value that may contain such texts, as JSON in pieces; the texts are pieces, and are not copied. `indent` is the number of
 * spaces for each level; without it, everything is on one line.
 */
export function jsonPieces(value: unknown, indent?: number): readonly JsonPiece[] {
  if (value instanceof JsonText) return [value.piece]
  const texts: JsonPiece[] = []
  printing = texts
  try {
    const printed = JSON.stringify(value, null, indent)
    if (texts.length === 0) return [printed]
    return printed.split(marks).map((piece, index) => (index % 2 === 0 ? piece : (texts[Number(piece)] ?? '')))
  } finally {
    printing = undefined
  }
}

/** The same in one piece. */
export const printJson = (value: unknown, indent?: number): string => jsonPieces(value, indent).join('')

const printed = new WeakMap<object, JsonText>()

/** A value as text. An object is printed once, however often this is called; it must not be changed afterwards. */
export function jsonTextOf(value: unknown): JsonText {
  if (value instanceof JsonText) return value
  if (typeof value !== 'object' || value === null) return new JsonText(JSON.stringify(value))
  const text = printed.get(value) ?? new JsonText(printJson(value))
  printed.set(value, text)
  return text
}

/** JSON text on one line: outside of strings a line break is white space, and inside there is none. */
export const onOneLine = (text: string): string => (/[\r\n]/.test(text) ? text.replace(/[\r\n]/g, ' ') : text)

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openArray = 0x5b
const backslash = 0x5c
const closeArray = 0x5d
const openObject = 0x7b
const closeObject = 0x7d

/**
 * The members of an object with these names, as their original texts: a parser would read `1e999` as a number that JSON
 * does not have. Of several members with the same name the last counts, as for a parser; a text that is not an object
 * has none. `text` must be JSON.
 */
export function membersOfText(text: string, names: ReadonlySet<string>): ReadonlyMap<string, string> {
  const members = new Map<string, string>()
  if (!text.trimStart().startsWith('{')) return members
  let depth = 0
  let name: string | undefined
  let begin = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote: {
        const first = at++
        while (at < text.length && text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1
        if (depth === 1 && name === undefined) name = nameIn(text.slice(first, at + 1))
        break
      }
      case colon:
        if (depth === 1) begin = at + 1
        break
      case openObject:
      case openArray:
        depth++
        break
      case comma:
      case closeObject:
      case closeArray:
        if (depth === 1 && name !== undefined) {
          if (names.has(name)) members.set(name, text.slice(begin, at).trim())
          name = undefined
        }
        if (text.charCodeAt(at) !== comma) depth--
    }
  }
  return members
}

function nameIn(quoted: string): string {
  return quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1)
}
