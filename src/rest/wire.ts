// What resources of the wire have in common. Nothing here touches anything: values in, values out.

import { InvalidInputError } from '../errors.ts'

type Path = readonly string[]

/** How the wire writes "never". */
export const never = '0001-01-01T00:00:00Z'

/** A time as the wire has it: ISO 8601 in UTC. */
export function timeText(time: Date): string
export function timeText(time: Date | null): string
export function timeText(time: Date | null): string {
  return time === null ? never : time.toISOString()
}

/**
 * A time as clients write it: ISO 8601, with any number of decimals (.NET writes seven), and without a zone it is UTC,
 * not the zone of this machine. Undefined for null, which the Azure SDK sends for "now". InvalidInputError.
 */
export function timeFrom(value: unknown, path: Path): Date | undefined {
  if (value === undefined || value === null) return undefined
  const form = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?:(Z)|([+-]\d\d):?(\d\d))?)?$/i
  const [text, date, clock = '00:00', , hours, minutes] = (typeof value === 'string' && form.exec(value)) || []
  const time = new Date(`${date}T${clock}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`)
  if (text === undefined || Number.isNaN(time.getTime())) {
    throw new InvalidInputError(path, `${path.join('.')} is not a time such as 2024-05-01T10:00:00Z.`)
  }
  return time
}

/** The members of a JSON object. InvalidInputError for anything else. */
export function membersOf(value: unknown, path: Path): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new InvalidInputError(path, `${path.at(-1) ?? 'The body'} is not an object.`)
}

/** Checks an id that stands in the body, if it does, against the one in the path. A number is one too: SDKs send those. */
export function checkSameId(inBody: unknown, inPath: string, name: string): void {
  if (inBody === undefined || inBody === null || inBody === inPath) return
  if (typeof inBody === 'number' && String(inBody) === inPath) return
  throw new InvalidInputError([name], `The ${name} in the body is not the one in the path.`)
}
