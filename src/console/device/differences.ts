import { isObject, type JsonObject, sameJson } from './json.ts'
import { printPath } from './twin-path.ts'

/** A path at which two sections differ. A missing value is undefined. */
export type Difference = { readonly path: string; readonly before: unknown; readonly after: unknown }

/**
 * The differences of two sections, leaf by leaf, in the order of the paths. An object and a value that is not an object
 * are one difference.
 */
export function differencesBetween(before: JsonObject, after: JsonObject): readonly Difference[] {
  return [...compareMembers(before, after, [])].filter(({ before, after }) => !sameJson(before, after))
}

/**
 * A property as desired (`before`) and as reported (`after`): reported as desired, or not, or reported without being
 * desired.
 */
export type Property = Difference & { readonly is: 'met' | 'unmet' | 'onlyReported' }

/** All properties, leaf by leaf, in the order of the paths. */
export function propertiesOf(desired: JsonObject, reported: JsonObject): readonly Property[] {
  return [...compareMembers(desired, reported, [])].map((one) => ({ ...one, is: stateOf(one) }))
}

function stateOf({ before, after }: Difference): Property['is'] {
  if (before === undefined) return 'onlyReported'
  return sameJson(before, after) ? 'met' : 'unmet'
}

/**
 * The desired properties that the device reports differently or not at all. Properties that are only reported are left
 * out.
 */
export function unmetIn(desired: JsonObject, reported: JsonObject): readonly Difference[] {
  return differencesBetween(desired, reported).filter(({ before }) => before !== undefined)
}

/** A value for use in a sentence: JSON, truncated when it is long. */
export function describeValue(value: unknown): string {
  const text = JSON.stringify(value) ?? 'not set'
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

function* compare(before: unknown, after: unknown, names: readonly string[]): Generator<Difference> {
  if (isObject(before) && isObject(after) && (hasMembers(before) || hasMembers(after))) {
    yield* compareMembers(before, after, names)
  } else if (before === undefined && hasMembers(after)) yield* compareMembers({}, after, names)
  else if (after === undefined && hasMembers(before)) yield* compareMembers(before, {}, names)
  else yield { path: printPath(names), before, after }
}

function* compareMembers(before: JsonObject, after: JsonObject, names: readonly string[]): Generator<Difference> {
  const all = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  for (const name of all) yield* compare(memberOf(before, name), memberOf(after, name), [...names, name])
}

const hasMembers = (value: unknown): value is JsonObject => isObject(value) && Object.keys(value).length > 0

const memberOf = (section: JsonObject, name: string): unknown =>
  Object.hasOwn(section, name) ? section[name] : undefined
