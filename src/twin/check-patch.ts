import { InvalidInputError } from '../errors.ts'
import type { Json, JsonObject } from '../json/json.ts'
import type { Limits } from '../limits/limits.ts'
import { isMark } from './merge.ts'
import { hasMoreMembers, type SectionSize, sizeOf } from './size.ts'

/** A checked change of the sections that services may write. A missing section does not change. */
export type TwinPatch = { readonly tags?: JsonObject; readonly desired?: JsonObject }

/** The sections, each of which has a size limit. */
export type SectionName = 'tags' | 'desired' | 'reported'

/** The hub's own limits, in addition to those of IoT Hub. */
export type TwinLimits = Pick<Limits, 'twinBytes' | 'twinMembers'>

type Path = readonly string[]

// The limits of Azure IoT Hub. All lengths are bytes of UTF-8.
const maxSectionSize: Readonly<Record<SectionName, number>> = { tags: 8192, desired: 32768, reported: 32768 }
const maxKeyLength = 1024
const maxStringLength = 4096
/** Nested objects and arrays, not counting the section itself. */
const maxDepth = 10
const minInteger = -(2 ** 52)
const maxInteger = 2 ** 52 - 1

/** Keys with a special meaning in JavaScript. */
const reserved: ReadonlySet<string> = new Set(['__proto__', 'prototype', 'constructor'])

/** Matches nearly all keys; such a key violates no rule. */
const plainKey = /^[\w-]{1,64}$/

/** Forbidden forms of a key. */
const keyRules: readonly (readonly [pattern: RegExp, fault: string])[] = [
  [/^$/, 'is empty'],
  [/\p{Cc}/u, 'contains a control character'],
  [/\s/u, 'contains white space'],
  [/[.$#]/, 'contains one of the characters . $ #'],
  [/\p{Surrogate}/u, 'contains half of a surrogate pair'],
]

/**
 * The patch in `{ tags?, properties?: { desired? } }`, the shape that services send. Anything else in it is refused
 * with its path, and so is a section that exceeds its size limit before it is merged.
 */
export function checkTwinPatch(patch: unknown, path: Path, limits: TwinLimits): TwinPatch {
  const { tags, properties, ...others } = membersOf(patch, path)
  refuseOthers(others, path)
  const { desired, reported, ...otherProperties } =
    properties === undefined ? {} : membersOf(properties, [...path, 'properties'])
  if (reported !== undefined) {
    throw new InvalidInputError([...path, 'properties', 'reported'], 'Only the device can write reported properties.')
  }
  refuseOthers(otherProperties, [...path, 'properties'])
  return {
    ...(tags !== undefined && { tags: checkFreshSection(tags, 'tags', [...path, 'tags'], limits) }),
    ...(desired !== undefined && {
      desired: checkFreshSection(desired, 'desired', [...path, 'properties', 'desired'], limits),
    }),
  }
}

/**
 * A patch of one section as plain JSON: keys, strings, numbers and depth within the limits, nothing that jsonb cannot
 * store, `$metadata` and `$version` removed from its root. `null` means "delete" and so cannot occur in an array.
 */
export function checkSectionPatch(value: unknown, path: Path, { twinMembers }: TwinLimits): JsonObject {
  // First, because everything below takes time for every member.
  if (hasMoreMembers(value, twinMembers)) {
    throw new InvalidInputError(
      path,
      `A change to a section must have at most ${twinMembers} members. Send it in parts.`,
    )
  }
  return checkMembers(objectIn(value, path), [...path], { depth: 0, inArray: false })
}

/**
 * Refuses a section that is too large. Must be called with the result of a merge: two small patches may add up. A
 * section that was too large `before`, because an earlier version let it grow, is accepted as long as it gets smaller.
 *
 * IoT Hub's measure gives control characters, `[]`, `{}` and `""` no weight, so it bounds neither the text of a section
 * nor its metadata, which has some 80 bytes per member; nor numbers near zero, whose digits the database prints in
 * full. The other two limits do. Ordinary sections fit: a number weighs 8 and has some 24 characters, so a section's
 * text is less than four times its weight; and a key with its value weighs eight bytes or more on average, so that 32
 * KB have no more than 4,096 members.
 */
export function checkSectionSize(
  merged: JsonObject,
  section: SectionName,
  { path, limits, before }: { readonly path: Path; readonly limits: TwinLimits; readonly before?: JsonObject },
): void {
  const size = sizeOf(merged)
  const most = largest(section, limits)
  const over = measures.filter((measure) => size[measure] > most[measure])
  const [first] = over
  if (first === undefined) return
  if (before !== undefined) {
    const earlier = sizeOf(before)
    if (over.every((measure) => size[measure] < earlier[measure])) return
  }
  throw new InvalidInputError(path, `The ${section} section ${faultOf(first, size, most)}.`)
}

/** Bytes of a twin as text, including metadata, that no twin within the limits exceeds. A larger one is not read. */
export const maxTwinBytes = ({ twinBytes, twinMembers }: TwinLimits): number => 4 * (2 * twinBytes + 100 * twinMembers)

const measures = ['weight', 'members', 'bytes'] as const

function largest(section: SectionName, { twinBytes, twinMembers }: TwinLimits): SectionSize {
  const weight = maxSectionSize[section]
  return { weight, members: twinMembers, bytes: (twinBytes * weight) / maxSectionSize.desired }
}

function faultOf(measure: keyof SectionSize, size: SectionSize, most: SectionSize): string {
  switch (measure) {
    case 'weight':
      return `would have ${size.weight} bytes. At most ${most.weight / 1024} KB are allowed`
    case 'members':
      return `would have ${size.members} members. At most ${most.members} are allowed`
    case 'bytes':
      return `would have ${size.bytes} bytes of JSON text. At most ${most.bytes / 1024} KB are allowed`
  }
}

function checkFreshSection(value: unknown, section: SectionName, path: Path, limits: TwinLimits): JsonObject {
  const patch = checkSectionPatch(value, path, limits)
  checkSectionSize(patch, section, { path, limits })
  return patch
}

/** Where in a section a value is. */
type Place = { readonly depth: number; readonly inArray: boolean }

/**
 * `path` is one array that grows and shrinks: a new array for each of thousands of members would be most of the work.
 */
function checkMembers(members: object, path: string[], { depth, inArray }: Place): JsonObject {
  const checked: Record<string, Json> = {}
  const place = { depth: depth + 1, inArray }
  for (const [key, value] of Object.entries(members)) {
    if (depth === 0 && isMark(key)) continue
    path.push(key)
    // Refuses every key that could reach a prototype.
    checkKey(key, path)
    checked[key] = checkValue(value, path, place)
    path.pop()
  }
  return checked
}

function checkKey(key: string, path: Path): void {
  if (plainKey.test(key) && !reserved.has(key)) return
  const length = Buffer.byteLength(key)
  if (length > maxKeyLength) {
    throw new InvalidInputError([...path], `The key ${shown(key)} has ${length} bytes. At most 1 KB is allowed.`)
  }
  if (reserved.has(key)) throw new InvalidInputError([...path], `The key ${shown(key)} is a reserved word.`)
  for (const [pattern, fault] of keyRules) {
    if (pattern.test(key)) throw new InvalidInputError([...path], `The key ${shown(key)} ${fault}.`)
  }
}

function checkValue(value: unknown, path: string[], place: Place): Json {
  if (value === null) {
    // An array is replaced whole, so a null anywhere inside one would delete nothing.
    if (place.inArray) throw refused(path, 'must not be null inside an array')
    return value
  }
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return checkNumber(value, path)
  if (typeof value === 'string') return checkString(value, path)
  if (typeof value !== 'object') throw refused(path, 'must be JSON')
  if (place.depth > maxDepth) throw refused(path, `is nested more than ${maxDepth} levels deep`)
  if (!Array.isArray(value)) return checkMembers(value, path, place)
  const itemPlace = { depth: place.depth + 1, inArray: true }
  return value.map((item: unknown, index) => {
    path.push(String(index))
    const checked = checkValue(item, path, itemPlace)
    path.pop()
    return checked
  })
}

function checkNumber(value: number, path: Path): number {
  if (!Number.isFinite(value)) throw refused(path, 'must be a finite number')
  if (Number.isInteger(value) && (value < minInteger || value > maxInteger)) {
    throw refused(path, `is ${value}. Integers must be from ${minInteger} to ${maxInteger}`)
  }
  return value
}

function checkString(value: string, path: Path): string {
  const length = Buffer.byteLength(value)
  if (length > maxStringLength) throw refused(path, `has ${length} bytes. Strings must have at most 4 KB`)
  if (value.includes('\0')) throw refused(path, 'contains the character U+0000')
  if (/\p{Surrogate}/u.test(value)) throw refused(path, 'contains half of a surrogate pair')
  return value
}

function membersOf(value: unknown, path: Path): Readonly<Record<string, unknown>> {
  return { ...objectIn(value, path) }
}

function objectIn(value: unknown, path: Path): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused(path, 'must be an object')
  return value
}

function refuseOthers(others: Readonly<Record<string, unknown>>, path: Path): void {
  const [key] = Object.keys(others)
  if (key !== undefined) throw new InvalidInputError([...path, key], `A twin patch has no member ${shown(key)}.`)
}

function refused(path: Path, fault: string): InvalidInputError {
  const place = path.length === 0 ? 'The document' : `The value of ${shown(path.join('.'))}`
  return new InvalidInputError([...path], `${place} ${fault}.`)
}

/** A name inside a sentence: quoted, and truncated if it is long. */
function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}
