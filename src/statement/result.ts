import type { Json, JsonObject } from '../json.ts'
import type { Column } from '../query/selection.ts'

/**
 * One row of results. A member whose value is undefined is left out; so is a sum beyond the range of numbers, which JSON
 * cannot hold.
 */
export function resultOf(columns: readonly Column[], values: readonly (string | null)[]): JsonObject {
  const members = columns.flatMap(({ key, index }): [string, Json][] => {
    const text = values[index] ?? null
    if (text === null) return []
    const value: Json = JSON.parse(text)
    return typeof value === 'number' && !Number.isFinite(value) ? [] : [[key, value]]
  })
  return Object.fromEntries(members)
}

/** What stands in a document at each of these paths, under its key. */
export function memberResult(
  document: JsonObject,
  columns: readonly { readonly key: string; readonly path: readonly string[] }[],
): JsonObject {
  const members = columns.flatMap(({ key, path }): [string, Json][] => {
    const value = path.reduce<Json | undefined>(memberOf, document)
    return value === undefined ? [] : [[key, value]]
  })
  return Object.fromEntries(members)
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.entries(value).find(([name]) => name === key)?.[1]
}
