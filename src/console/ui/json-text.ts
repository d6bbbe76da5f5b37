import { jsonFault } from './json-fault.ts'

/** The result of reading the text of an editor: a value, empty, or a problem as a sentence. */
export type JsonText = { readonly value: unknown } | { readonly empty: true } | { readonly problem: string }

/** Reads the text of an editor. */
export function parseJson(text: string): JsonText {
  if (text.trim() === '') return { empty: true }
  try {
    return { value: JSON.parse(text) }
  } catch {
    return { problem: `Invalid JSON: ${jsonFault(text) ?? 'check the syntax'}` }
  }
}

/** The text of a value for an editor. */
export function printJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2) ?? ''
}

/** A piece of printed JSON with its kind; undefined for the text between tokens. */
export type JsonPiece = { readonly text: string; readonly kind: 'key' | 'string' | 'word' | undefined }

const pieces = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * The maximum number of characters that a page shows indented: lines of a deeply nested value begin with hundreds of
 * spaces.
 */
const maxIndented = 500_000
/** The maximum number of pieces that a page colours, because each is a separate element. */
const maxColoured = 20_000

/** A value as a page shows it. A very large one has no colours, or is on one line. */
export function piecesOf(value: unknown): readonly JsonPiece[] {
  const text = printJson(value)
  if (text.length > maxIndented) return [{ text: JSON.stringify(value) ?? '', kind: undefined }]
  const found = takeApart(text)
  return found.length > maxColoured ? [{ text, kind: undefined }] : found
}

/** Splits printed JSON into pieces to colour. Joined, the pieces are the text. */
export function takeApart(text: string): readonly JsonPiece[] {
  const found: JsonPiece[] = []
  let end = 0
  for (const match of text.matchAll(pieces)) {
    const [whole, string, colon] = match
    if (match.index > end) found.push({ text: text.slice(end, match.index), kind: undefined })
    const kind = string === undefined ? 'word' : colon === undefined ? 'string' : 'key'
    found.push({ text: string ?? whole, kind })
    if (colon !== undefined) found.push({ text: colon, kind: undefined })
    end = match.index + whole.length
  }
  if (end < text.length) found.push({ text: text.slice(end), kind: undefined })
  return found
}
