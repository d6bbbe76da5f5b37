import { type JsonPiece, JsonText, jsonPieces, jsonTextOf, membersOfText } from '../json/json-text.ts'
import type { Column } from '../query/selection.ts'

/**
 * One row of results as JSON in pieces, from values that are JSON text. A member whose value is undefined is left out;
 * so is a sum beyond the range of numbers, which JSON cannot represent.
 */
export function resultOf(columns: readonly Column[], values: readonly (string | null)[]): readonly string[] {
  const members = columns.flatMap(({ key, index }) => {
    const text = values[index] ?? null
    return text === null || isInfinite(text) ? [] : [`,${JSON.stringify(key)}:`, text]
  })
  const [first = ',', ...others] = members
  return ['{', first.slice(1), ...others, '}']
}

/** A number with fewer digits is finite. */
const isInfinite = (text: string): boolean => text.length > 300 && /^-?\d/.test(text) && !Number.isFinite(Number(text))

/**
 * The values of a document at each of these paths, under its key, as JSON in pieces. JSON text in it stays the text
 * that it is.
 */
export function memberResult(
  document: object,
  columns: readonly { readonly key: string; readonly path: readonly string[] }[],
): readonly JsonPiece[] {
  const memberOf = memberReader(new Set(columns.flatMap(({ path }) => path)))
  const members = columns.flatMap(({ key, path }) => {
    const value = path.reduce<unknown>(memberOf, document)
    return value === undefined ? [] : [[key, typeof value === 'object' && value !== null ? jsonTextOf(value) : value]]
  })
  return jsonPieces(Object.fromEntries(members))
}

/** Reads members with these names. A text is scanned once, however many of its members are read. */
function memberReader(names: ReadonlySet<string>): (value: unknown, key: string) => unknown {
  const read = new Map<JsonText, ReadonlyMap<string, JsonText>>()
  const membersOf = (value: JsonText): ReadonlyMap<string, JsonText> => {
    const members =
      read.get(value) ??
      new Map([...membersOfText(value.text, names)].map(([name, text]) => [name, new JsonText(text)]))
    read.set(value, members)
    return members
  }
  return (value, key) => {
    if (value instanceof JsonText) return membersOf(value).get(key)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return Object.entries(value).find(([name]) => name === key)?.[1]
  }
}
