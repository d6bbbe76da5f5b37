// Formats that several resources share. Pure: values in, values out.

import { dateTimeExample, parseDateTime } from '../date-time.ts'
import { InvalidInputError } from '../errors.ts'

type Path = readonly string[]

/** The value for a missing time. */
export const never = '0001-01-01T00:00:00Z'

/** A time in ISO 8601, UTC. */
export function timeText(time: Date): string
export function timeText(time: Date | null): string
export function timeText(time: Date | null): string {
  return time === null ? never : time.toISOString()
}

/**
 * A time as clients write it, see date-time.ts; without a zone it is UTC, not the zone of this machine. Undefined for
 * null, which the Azure SDK sends for "now". InvalidInputError.
 */
export function timeFrom(value: unknown, path: Path): Date | undefined {
  if (value === undefined || value === null) return undefined
  const time = typeof value === 'string' ? parseDateTime(value) : undefined
  if (time !== undefined) return time
  const name = path.join('.')
  throw new InvalidInputError(path, `${name} must be a valid time such as ${dateTimeExample}, in the years 1 to 9999.`)
}

/** The members of a JSON object. InvalidInputError for anything else. */
export function membersOf(value: unknown, path: Path): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new InvalidInputError(path, `${path.at(-1) ?? 'The body'} must be an object.`)
}

/** The member with this name, of any JSON; undefined where there is none. */
export const memberIn = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

/** The members with these names that are texts, of any JSON. */
export function textsIn(value: unknown, names: readonly string[]): Readonly<Record<string, string>> {
  const members = names.map((name): [string, unknown] => [name, memberIn(value, name)])
  return Object.fromEntries(members.filter((member): member is [string, string] => typeof member[1] === 'string'))
}

/** Checks an id in the body, if present, against the one in the path. A number is accepted too: SDKs send those. */
export function checkSameId(inBody: unknown, inPath: string, name: string): void {
  if (inBody === undefined || inBody === null || inBody === inPath) return
  if (typeof inBody === 'number' && String(inBody) === inPath) return
  throw new InvalidInputError([name], `The ${name} in the body differs from the one in the path.`)
}
