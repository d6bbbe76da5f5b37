import type { Fragment } from '../sql-fragment.ts'
import type { Words } from './enum-aliases.ts'
import { bindText, sql } from './sql-builder.ts'

/**
 * The meaning of a name. A `text` with `words` always has one of them as its value. One with `choice` is a column with
 * few values, each with the text that stands for it. A `text`, `number` or `boolean` is an SQL expression of that type,
 * never NULL unless `nullable`, which the language reads as null. A `document` is a jsonb expression that is always an
 * object: every path below it is allowed, unless `members` defines it differently. A `group` has members only. A `json`
 * is a value below a document, by one segment or more, which may be missing.
 */
export type Field =
  | {
      readonly kind: 'text'
      readonly sql: Fragment
      readonly nullable: boolean
      readonly words?: Words
      readonly choice?: Choice
    }
  | { readonly kind: 'number' | 'boolean'; readonly sql: Fragment }
  | { readonly kind: 'document'; readonly sql: Fragment; readonly members: Members }
  | { readonly kind: 'group'; readonly members: Members }
  | { readonly kind: 'json'; readonly document: Fragment; readonly segments: readonly string[] }

/** A column that is never NULL, and its possible values by the texts that stand for them in conditions. */
export type Choice = { readonly column: Fragment; readonly values: ReadonlyMap<string, string> }

/**
 * Fields by name, each with the name as displayed. Names outside of documents are case-insensitive, and lower case
 * here; names inside a document are case-sensitive.
 */
export type Members = ReadonlyMap<string, { readonly name: string; readonly field: Field }>

/** The fields of a collection, and the collection's name, which may precede each path. */
export type FieldMap = {
  readonly prefix: readonly string[]
  readonly members: Members
}

/** The target of a path. */
export type Target = Field | { readonly kind: 'undefined' }

/** The target of a path from a field, and the names on it as displayed. */
function follow(field: Field, path: readonly string[]): { target: Target; names: readonly string[] } {
  const [segment, ...rest] = path
  if (segment === undefined) return { target: field, names: [] }
  if (field.kind === 'json') return { target: { ...field, segments: [...field.segments, ...path] }, names: path }
  if (field.kind === 'group' || field.kind === 'document') {
    const member = field.members.get(field.kind === 'group' ? segment.toLowerCase() : segment)
    if (member !== undefined) {
      const { target, names } = follow(member.field, rest)
      return { target, names: [member.name, ...names] }
    }
    if (field.kind === 'document') return { target: { kind: 'json', document: field.sql, segments: path }, names: path }
  }
  return { target: { kind: 'undefined' }, names: path }
}

function followFromRoot({ prefix, members }: FieldMap, path: readonly string[]) {
  const hasPrefix =
    path.length > prefix.length && prefix.every((segment, index) => path[index]?.toLowerCase() === segment)
  return follow({ kind: 'group', members }, hasPrefix ? path.slice(prefix.length) : path)
}

/**
 * Follows a path from the root names, after the optional name of the collection. A path that leads nowhere is not an
 * error: its value is undefined.
 */
export const resolve = (fields: FieldMap, path: readonly string[]): Target => followFromRoot(fields, path).target

/** The path as displayed: without the collection's name, and case-insensitive names in their own spelling. */
export const shownPath = (fields: FieldMap, path: readonly string[]): readonly string[] =>
  followFromRoot(fields, path).names

/**
 * The value at a path below a document, as jsonb and as text; both are SQL NULL when it is missing. A chain of `->`
 * with text, because `#>` would read a segment such as `0` as an index into an array, and elements have no path in this
 * language.
 */
export function jsonAt(document: Fragment, segments: readonly string[]): { json: Fragment; text: Fragment } {
  const parent = segments.slice(0, -1).reduce((above, segment) => sql`${above} -> ${bindText(segment)}`, document)
  const last = bindText(segments.at(-1) ?? '')
  return { json: sql`(${parent} -> ${last})`, text: sql`(${parent} ->> ${last})` }
}
