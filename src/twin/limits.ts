import { InvalidInputError } from '../errors.ts'
import type { Json, JsonObject } from '../json.ts'
import { withoutMarks } from './merge.ts'

/** A checked change to what services may write of a twin. A section that is not there stays as it is. */
export type TwinPatch = { readonly tags?: JsonObject; readonly desired?: JsonObject }

/** What has a size limit of its own. */
export type SectionName = 'tags' | 'desired' | 'reported'

type Path = readonly string[]

// The limits of Azure IoT Hub. All lengths are bytes of UTF-8.
const maxSectionSize: Readonly<Record<SectionName, number>> = { tags: 8192, desired: 32768, reported: 32768 }
const maxKeyLength = 1024
const maxStringLength = 4096
/** Objects and arrays inside each other, not counting the section itself. */
const maxDepth = 10
const minInteger = -(2 ** 52)
const maxInteger = 2 ** 52 - 1

/** What a key may not look like. The last row is ours: such keys have a meaning of their own in JavaScript. */
const keyRules: readonly (readonly [pattern: RegExp, fault: string])[] = [
  [/^$/, 'is empty'],
  [/\p{Cc}/u, 'holds a control character'],
  [/\s/u, 'holds white space'],
  [/[.$#]/, 'holds one of the signs . $ #'],
  [/\p{Surrogate}/u, 'holds half of a surrogate pair'],
  [/^(?:__proto__|prototype|constructor)$/, 'is a reserved word'],
]

/**
 * The patch in `{ tags?, properties?: { desired? } }`, the shape services send. Anything else in it is refused with its
 * path, and so is a section that is over its size limit before it is merged with anything.
 */
export function checkTwinPatch(patch: unknown, path: Path): TwinPatch {
  const { tags, properties, ...others } = membersOf(patch, path)
  refuseOthers(others, path)
  const { desired, reported, ...otherProperties } =
    properties === undefined ? {} : membersOf(properties, [...path, 'properties'])
  if (reported !== undefined) {
    throw new InvalidInputError(
      [...path, 'properties', 'reported'],
      'Reported properties are written by the device only.',
    )
  }
  refuseOthers(otherProperties, [...path, 'properties'])
  return {
    ...(tags !== undefined && { tags: checkFreshSection(tags, 'tags', [...path, 'tags']) }),
    ...(desired !== undefined && {
      desired: checkFreshSection(desired, 'desired', [...path, 'properties', 'desired']),
    }),
  }
}

/**
 * A patch of one section as plain JSON: keys, strings, numbers and depth within the limits, nothing that jsonb cannot
 * hold, `$metadata` and `$version` dropped from its root. `null` stands for "delete" and so cannot stand in an array.
 */
export function checkSectionPatch(value: unknown, path: Path): JsonObject {
  return checkMembers(withoutMarks(membersOf(value, path)), path, { depth: 0, inArray: false })
}

/** Refuses a section that is too large. To be asked of the result of a merge: two small patches may add up. */
export function checkSectionSize(merged: JsonObject, section: SectionName, path: Path): void {
  const size = sizeOf(merged)
  if (size > maxSectionSize[section]) {
    const limit = maxSectionSize[section] / 1024
    throw new InvalidInputError(path, `The ${section} section would be ${size} bytes and may be at most ${limit} KB.`)
  }
}

function checkFreshSection(value: unknown, section: SectionName, path: Path): JsonObject {
  const patch = checkSectionPatch(value, path)
  checkSectionSize(patch, section, path)
  return patch
}

/** Where in a section a value stands. */
type Place = { readonly depth: number; readonly inArray: boolean }

function checkMembers(members: Readonly<Record<string, unknown>>, path: Path, { depth, inArray }: Place): JsonObject {
  return Object.fromEntries(
    Object.entries(members).map(([key, value]) => {
      const memberPath = [...path, key]
      checkKey(key, memberPath)
      return [key, checkValue(value, memberPath, { depth: depth + 1, inArray })]
    }),
  )
}

function checkKey(key: string, path: Path): void {
  const length = Buffer.byteLength(key)
  if (length > maxKeyLength) {
    throw new InvalidInputError(path, `The key ${shown(key)} is ${length} bytes long and may be at most 1 KB.`)
  }
  for (const [pattern, fault] of keyRules) {
    if (pattern.test(key)) throw new InvalidInputError(path, `The key ${shown(key)} ${fault}.`)
  }
}

function checkValue(value: unknown, path: Path, place: Place): Json {
  if (value === null) {
    // An array is replaced whole, so a null anywhere inside one would delete nothing.
    if (place.inArray) throw refused(path, 'is null inside an array')
    return value
  }
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return checkNumber(value, path)
  if (typeof value === 'string') return checkString(value, path)
  if (typeof value !== 'object') throw refused(path, 'is not JSON')
  if (place.depth > maxDepth) throw refused(path, `is nested more than ${maxDepth} levels deep`)
  if (!Array.isArray(value)) return checkMembers({ ...value }, path, place)
  const itemPlace = { depth: place.depth + 1, inArray: true }
  return value.map((item: unknown, index) => checkValue(item, [...path, String(index)], itemPlace))
}

function checkNumber(value: number, path: Path): number {
  if (!Number.isFinite(value)) throw refused(path, 'is not a finite number')
  if (Number.isInteger(value) && (value < minInteger || value > maxInteger)) {
    throw refused(path, `is ${value} and integers lie within ${minInteger} and ${maxInteger}`)
  }
  return value
}

function checkString(value: string, path: Path): string {
  const length = Buffer.byteLength(value)
  if (length > maxStringLength) throw refused(path, `is ${length} bytes long and strings may be at most 4 KB`)
  if (value.includes('\0')) throw refused(path, 'holds the character U+0000')
  if (/\p{Surrogate}/u.test(value)) throw refused(path, 'holds half of a surrogate pair')
  return value
}

/**
 * IoT Hub's measure: every key and every string in bytes of UTF-8 without control characters, a number 8, a boolean 4.
 * A `null` deletes and so weighs nothing, nor does its key; metadata and versions are not part of the section.
 */
function sizeOf(value: Json): number {
  switch (typeof value) {
    case 'string':
      return Buffer.byteLength(value.replace(/\p{Cc}/gu, ''))
    case 'number':
      return 8
    case 'boolean':
      return 4
  }
  if (value === null) return 0
  if (Array.isArray(value)) return value.reduce((sum: number, item: Json) => sum + sizeOf(item), 0)
  return Object.entries(value).reduce(
    (sum, [key, member]) => (member === null ? sum : sum + Buffer.byteLength(key) + sizeOf(member)),
    0,
  )
}

function membersOf(value: unknown, path: Path): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused(path, 'is not an object')
  return { ...value }
}

function refuseOthers(others: Readonly<Record<string, unknown>>, path: Path): void {
  const [key] = Object.keys(others)
  if (key !== undefined) throw new InvalidInputError([...path, key], `A twin patch has no member ${shown(key)}.`)
}

function refused(path: Path, fault: string): InvalidInputError {
  const place = path.length === 0 ? 'The document' : `The value of ${shown(path.join('.'))}`
  return new InvalidInputError(path, `${place} ${fault}.`)
}

/** A name as a sentence can carry it: quoted, and cut where it would drown the sentence. */
function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}
