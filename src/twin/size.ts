import type { Json, JsonObject } from '../json/json.ts'
import { isMark } from './merge.ts'

/** The size of a section. */
export type SectionSize = {
  /**
   * IoT Hub's measure: every key and every string in bytes of UTF-8 without control characters, a number 8, a boolean
   * 4. A `null` deletes, so neither it nor its key has weight; metadata and versions are not part of the section.
   */
  readonly weight: number
  /** Members of objects and items of arrays, at all levels. */
  readonly members: number
  /** Bytes of its JSON text, as the database prints it. */
  readonly bytes: number
}

/** Bytes of twins, read and written, after which other work has its turn: some milliseconds. */
export const turnBytes = 64 * 1024
/**
 * Bytes of a twin with its patch from which on another thread merges it: a millisecond of work and more. For less, asking the
 * thread would take longer than the work.
 */
export const threadBytes = 32 * 1024
/** Members of desired properties from which on another thread checks the first twin of a device: as much work. */
export const threadMembers = 500
/** Bytes of twins that the hub sends with a statement. */
export const chunkBytes = 256 * 1024
/** Bytes of twins that a statement writes, which can be more: twins may share documents, which are sent once. */
export const statementBytes = 8 * 1024 * 1024
/** Bytes of a member's metadata in addition to its key. */
const stamp = 100

/** Maximum bytes written to a twin for these sections, with their metadata. */
export function writtenBytes({
  tags = {},
  desired = {},
}: {
  readonly tags?: JsonObject
  readonly desired?: JsonObject
}): number {
  const size = sizeOf(desired)
  return sizeOf(tags).bytes + 2 * size.bytes + stamp * size.members
}

/** No section is nested deeper, unless another program wrote it: then it has unlimited members. */
const deepest = 64

/** The size of a section, in one pass. */
export function sizeOf(section: JsonObject): SectionSize {
  let members = 0
  let bytes = 0
  const measure = (value: Json, depth: number): number => {
    switch (typeof value) {
      case 'string':
        return measureText(value)
      case 'number':
        bytes += lengthOf(value)
        return 8
      case 'boolean':
        bytes += value ? 4 : 5
        return 4
    }
    if (value === null) {
      bytes += 4
      return 0
    }
    if (depth === deepest) {
      members = Number.POSITIVE_INFINITY
      return 0
    }
    let weight = 0
    let count = 0
    if (isArray(value)) {
      count = value.length
      for (const item of value) weight += measure(item, depth + 1)
    } else {
      for (const key in value) {
        const member = value[key]
        if (member === undefined) continue
        count++
        const keyWeight = measureText(key)
        weight += measure(member, depth + 1) + (member === null ? 0 : keyWeight)
      }
      bytes += count // colons
    }
    members += count
    bytes += 2 + Math.max(count - 1, 0) // brackets and commas
    return weight
  }
  const measureText = (text: string): number => {
    if (isPlain(text)) {
      bytes += text.length + 2
      return text.length
    }
    const length = Buffer.byteLength(text)
    if (!/["\\\p{Cc}]/u.test(text)) {
      bytes += length + 2
      return length
    }
    bytes += Buffer.byteLength(JSON.stringify(text))
    return Buffer.byteLength(text.replace(/\p{Cc}/gu, ''))
  }
  return { weight: measure(section, 0), members, bytes }
}

/** Whether a text is a short one of printable ASCII that JSON does not escape, as nearly all keys are. */
function isPlain(text: string): boolean {
  if (text.length > 64) return false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false
  }
  return true
}

/**
 * Whether a change to a section has more members than `most` at all levels; it stops at that number. `$metadata` and
 * `$version` of its root do not count.
 */
export function hasMoreMembers(section: unknown, most: number): boolean {
  let members = 0
  const isOver = (value: unknown, depth: number): boolean => {
    if (typeof value !== 'object' || value === null || depth === deepest) return false
    if (Array.isArray(value)) {
      members += value.length
      return members > most || value.some((item: unknown) => isOver(item, depth + 1))
    }
    // Without a list of all members, which would cost as much as there are.
    for (const key in value) {
      if (depth === 0 && isMark(key)) continue
      members++
      if (members > most || isOver(Reflect.get(value, key), depth + 1)) return true
    }
    return false
  }
  return isOver(section, 0)
}

/** Characters of a number without an exponent: the database prints none, and 5e-324 as 326 characters. */
function lengthOf(value: number): number {
  const text = String(value)
  const [mantissa = '', exponent] = text.split('e')
  if (exponent === undefined) return text.length
  const sign = value < 0 ? 1 : 0
  const digits = mantissa.replace(/[-.]/g, '').length
  const shift = Number(exponent)
  return shift < 0 ? sign + 1 - shift + digits : sign + Math.max(shift + 1, digits)
}

const isArray = (value: Json): value is readonly Json[] => Array.isArray(value)
