import { InvalidInputError } from '../errors.ts'
import type { JsonObject } from '../json/json.ts'
import { withoutMarks } from './merge.ts'
import { hasMoreMembers } from './size.ts'
import { checkSectionSize, type SectionName, type TwinLimits } from './size-limit.ts'

/** A checked change of the sections that services may write. A missing section does not change. */
export type TwinPatch = { readonly tags?: JsonObject; readonly desired?: JsonObject }

type Path = readonly string[]

/** The members of an object, unchecked. */
type Members = Readonly<Record<string, unknown>>

// The limits of Azure IoT Hub, apart from the size of a section (size-limit.ts). All lengths are bytes of UTF-8.
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
  const members = withoutMarks(membersOf(value, path))
  checkMembers(members, [...path], { depth: 0, inArray: false })
  return members
}

function checkFreshSection(value: unknown, section: SectionName, path: Path, limits: TwinLimits): JsonObject {
  const patch = checkSectionPatch(value, path, limits)
  checkSectionSize(patch, section, { path, limits })
  return patch
}

/** Where in a section a value is. */
type Place = { readonly depth: number; readonly inArray: boolean }

/**
 * Makes no copy, which would take longer than the check. `path` is one array that grows and shrinks: a new array for each of
 * thousands of members would be most of the work.
 */
function checkMembers(members: Members, path: string[], place: Place): asserts members is JsonObject {
  const memberPlace = { depth: place.depth + 1, inArray: place.inArray }
  for (const key in members) {
    path.push(key)
    // Refuses every key that could reach a prototype.
    checkKey(key, path)
    checkValue(members[key], path, memberPlace)
    path.pop()
  }
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

function checkValue(value: unknown, path: string[], place: Place): void {
  switch (typeof value) {
    case 'boolean':
      break
    case 'number':
      checkNumber(value, path)
      break
    case 'string':
      checkString(value, path)
      break
    case 'object':
      // An array is replaced whole, so a null anywhere inside one would delete nothing.
      if (value !== null) checkNested(value, path, place)
      else if (place.inArray) throw refused(path, 'must not be null inside an array')
      break
    default:
      throw refused(path, 'must be JSON')
  }
}

function checkNested(value: object, path: string[], place: Place): void {
  if (place.depth > maxDepth) throw refused(path, `is nested more than ${maxDepth} levels deep`)
  if (isObject(value)) {
    checkMembers(value, path, place)
    return
  }
  if (!Array.isArray(value)) return
  const itemPlace = { depth: place.depth + 1, inArray: true }
  for (let index = 0; index < value.length; index++) {
    path.push(String(index))
    checkValue(value[index], path, itemPlace)
    path.pop()
  }
}

function checkNumber(value: number, path: Path): void {
  if (!Number.isFinite(value)) throw refused(path, 'must be a finite number')
  if (Number.isInteger(value) && (value < minInteger || value > maxInteger)) {
    throw refused(path, `is ${value}. Integers must be from ${minInteger} to ${maxInteger}`)
  }
}

function checkString(value: string, path: Path): void {
  const length = Buffer.byteLength(value)
  if (length > maxStringLength) throw refused(path, `has ${length} bytes. Strings must have at most 4 KB`)
  if (value.includes('\0')) throw refused(path, 'contains the character U+0000')
  if (/\p{Surrogate}/u.test(value)) throw refused(path, 'contains half of a surrogate pair')
}

function membersOf(value: unknown, path: Path): Members {
  if (!isObject(value)) throw refused(path, 'must be an object')
  return value
}

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

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
