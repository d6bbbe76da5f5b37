import { isObject, type JsonObject } from './json.ts'

/** The parts of a twin that a column can show. */
export type TwinDocument = {
  readonly tags: unknown
  readonly properties: { readonly desired: unknown; readonly reported: unknown }
}

const segment = String.raw`\[\[(?:(?!\]\]).)*\]\]|[^.\[\]\s]+`
const path = new RegExp(`^(?:${segment})(?:\\.(?:${segment}))*$`, 'u')
const segments = new RegExp(segment, 'gu')

/**
 * The names in a path as it is written in conditions, such as `tags.[[first floor]]`; undefined if the text is not a
 * path.
 */
export function readPath(text: string): readonly string[] | undefined {
  if (!path.test(text)) return undefined
  return [...text.matchAll(segments)].map(([part]) => (part.startsWith('[[') ? part.slice(2, -2) : part))
}

/** The path with these names as it is written in conditions. */
export function printPath(names: readonly string[]): string {
  return names.map((name) => (/^[\p{L}_$][\p{L}\p{N}\p{M}_$-]*$/u.test(name) ? name : `[[${name}]]`)).join('.')
}

/** A path below the tags or the properties in its canonical spelling; undefined for any other path. */
export function readTwinPath(text: string): string | undefined {
  const names = readPath(text.trim())
  if (names === undefined) return undefined
  const [root = '', ...below] = names
  if (root.toLowerCase() === 'tags') return below.length > 0 ? printPath(['tags', ...below]) : undefined
  const [section = '', ...rest] = below
  if (root.toLowerCase() !== 'properties' || rest.length === 0) return undefined
  const known = ['desired', 'reported'].find((one) => one === section.toLowerCase())
  return known === undefined ? undefined : printPath(['properties', known, ...rest])
}

/** The value of a twin at a path; undefined when there is none. */
export function valueAt(twin: TwinDocument, path: string): unknown {
  let value: unknown = twin satisfies JsonObject
  for (const name of readPath(path) ?? []) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

/** The name of the column for a path: the part below the section. */
export function shortNameOf(path: string): string {
  return path.replace(/^tags\./, '').replace(/^properties\.(?:desired|reported)\./, '')
}
