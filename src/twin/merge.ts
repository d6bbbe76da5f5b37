import type { Json, JsonObject } from '../json/json.ts'

/**
 * One versioned section of a twin's properties: its value, when each part of it was written, and how often it was
 * written.
 */
export type TwinSection = { readonly value: JsonObject; readonly metadata: JsonObject; readonly version: number }

/** `stampVersion`: write `$lastUpdatedVersion` into the metadata. IoT Hub does so for desired properties only. */
export type MergeOptions = { readonly stampVersion: boolean }

/**
 * A section after a patch: members merged, `null` members deleted together with their metadata, arrays replaced whole.
 * `time` (ISO 8601, UTC) is stamped on the root, on every object on the path and on every leaf written. A patch that
 * changes nothing is still a write: the version grows by one.
 */
export function mergeSection(
  section: TwinSection,
  patch: JsonObject,
  time: string,
  { stampVersion }: MergeOptions,
): TwinSection {
  const version = section.version + 1
  const stamp = stampVersion ? { $lastUpdated: time, $lastUpdatedVersion: version } : { $lastUpdated: time }
  const members = withoutMarks(patch)
  return {
    value: mergeTags(section.value, members),
    metadata: merge(section.metadata, members, () => stamp, stamp),
    version,
  }
}

/** A section whose value is replaced whole. A `null` member counts as missing. */
export function replaceSection(
  section: TwinSection,
  value: JsonObject,
  time: string,
  options: MergeOptions,
): TwinSection {
  return mergeSection({ value: {}, metadata: {}, version: section.version }, value, time, options)
}

/** The patch that turns `before` into `after`: all of `after`, and `null` for removed members. */
export function patchBetween(before: JsonObject, after: JsonObject): JsonObject {
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  return Object.fromEntries([
    ...gone.map((key) => [key, null] as const),
    ...Object.entries(after).map(([key, value]) => {
      const present = Object.hasOwn(before, key) ? before[key] : undefined
      return [key, isObject(value) && isObject(present) ? patchBetween(present, value) : value] as const
    }),
  ])
}

/** Tags after a patch. They merge like properties, but have neither metadata nor a version of their own. */
export function mergeTags(tags: JsonObject, patch: JsonObject): JsonObject {
  return merge(tags, patch, (value) => value, {})
}

/** Whether the hub writes this member of the root of a section. */
export const isMark = (key: string): boolean => key === '$metadata' || key === '$version'

/**
 * A section as a client wrote it, without `$metadata` and `$version`. Only the hub writes those; but clients of IoT Hub
 * read a twin, change it and send all of it back, so they are dropped instead of refused.
 */
export function withoutMarks<Value>(section: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  if (!Object.hasOwn(section, '$metadata') && !Object.hasOwn(section, '$version')) return section
  const { $metadata, $version, ...members } = section
  return members
}

/**
 * Merges values and, in the same way, their metadata: the trees have the same shape, and differ in their leaves and in
 * the root of an object. Only own members are read and created, so a key such as `__proto__` could name a member but
 * never reach a prototype. Sections have thousands of members, so nothing but the member itself is created per member.
 */
function merge(target: JsonObject, patch: JsonObject, leaf: (value: Json) => Json, stamp: JsonObject): JsonObject {
  const members: Record<string, Json> = {}
  for (const key in target) {
    const value = ownMember(target, key)
    if (value !== undefined && ownMember(patch, key) !== null) put(members, key, value)
  }
  for (const key in stamp) put(members, key, stamp[key] ?? null)
  for (const key in patch) {
    const value = ownMember(patch, key)
    if (value === undefined || value === null) continue
    if (!isObject(value)) put(members, key, leaf(value))
    else {
      const present = ownMember(members, key)
      put(members, key, merge(isObject(present) ? present : {}, value, leaf, stamp))
    }
  }
  return members
}

const ownMember = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined

function put(members: Record<string, Json>, key: string, value: Json): void {
  if (key === '__proto__') Object.defineProperty(members, key, { value, ...ordinary })
  else members[key] = value
}

const ordinary = { enumerable: true, configurable: true, writable: true }

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
