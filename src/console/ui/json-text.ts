import { jsonFault } from './json-fault.ts'

/** The value of a text in an editor; or that it is empty; or a sentence that says what is wrong with it. */
export type JsonText = { readonly value: unknown } | { readonly empty: true } | { readonly problem: string }

/** Reads it. */
export function parseJson(text: string): JsonText {
  if (text.trim() === '') return { empty: true }
  try {
    return { value: JSON.parse(text) }
  } catch {
    return { problem: `Invalid JSON: ${jsonFault(text) ?? 'check the syntax'}` }
  }
}

/** A value as the text in an editor. */
export function printJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2) ?? ''
}

/** A piece of printed JSON and what it is; undefined is what stands between. */
export type JsonPiece = { readonly text: string; readonly kind: 'key' | 'string' | 'word' | undefined }

const pieces = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** The most characters that a page shows indented: lines of a deeply nested value begin with hundreds of blanks. */
const maxIndented = 500_000
/** The most pieces that a page colours: each is an element of its own. */
const maxColoured = 20_000

/** A value as a page shows it; a very large one without colours, or on one line. */
export function piecesOf(value: unknown): readonly JsonPiece[] {
  const text = printJson(value)
  if (text.length > maxIndented) return [{ text: JSON.stringify(value) ?? '', kind: undefined }]
  const found = takeApart(text)
  return found.length > maxColoured ? [{ text, kind: undefined }] : found
}

/** Takes printed JSON apart, for colours. Together the pieces are the text. */
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
