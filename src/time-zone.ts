import { InvalidInputError } from './errors.ts'

/** InvalidInputError unless it is a name of the IANA database of time zones. */
export function checkTimeZone(value: unknown, path: readonly string[] = ['timeZone']): string {
  if (typeof value === 'string' && isTimeZone(value)) return value
  throw new InvalidInputError(
    path,
    'The time zone must have a name of the IANA database, such as Europe/Berlin or UTC.',
  )
}

/** Whether a text is a name of the IANA database of time zones. */
export function isTimeZone(name: string): boolean {
  // Offsets are zones for some versions of Node.js only, and have no clock changes.
  if (!/^[A-Za-z][\w+/-]{0,63}$/.test(name)) return false
  try {
    formatOf(name)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** A format takes 34 KB. The names in use at a time are few: those of the devices of jobs with windows. */
const mostFormats = 300
/** By the name in lower case, because the database accepts it in any case; the one that was used last is at the end. */
const formats = new Map<string, Intl.DateTimeFormat>()

/** To make one takes much longer than to use it. RangeError for an unknown zone. */
export function formatOf(timeZone: string): Intl.DateTimeFormat {
  const name = timeZone.toLowerCase()
  const format = formats.get(name) ?? new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
  formats.delete(name)
  formats.set(name, format)
  const [oldest = name] = formats.keys()
  if (formats.size > mostFormats) formats.delete(oldest)
  return format
}

/** By how many milliseconds the clocks of a zone are ahead of UTC at a moment. */
export function offsetAt(timeZone: string, time: number): number {
  // Windows that open in unknown zones are looked for in UTC, a hundred times for one job.
  if (timeZone === 'UTC') return 0
  const name = formatOf(timeZone)
    .formatToParts(time)
    .find(({ type }) => type === 'timeZoneName')?.value
  const [, sign, hours = 0, minutes = 0, seconds = 0] = /([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name ?? '') ?? []
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000
  return sign === '-' ? -ms : ms
}

/** What the clocks of a zone show at a moment, as if it were UTC. */
export const clockTime = (timeZone: string, time: number): number => time + offsetAt(timeZone, time)

const day = 24 * 60 * 60 * 1_000

/**
 * The moment at which the clocks of a zone show a time, which is given as if it were UTC. When they show it twice, the
 * first; when they skip it, the end of the gap.
 */
export function firstShowing(timeZone: string, shown: number): number {
  const before = offsetAt(timeZone, shown - day)
  const after = offsetAt(timeZone, shown + day)
  const candidates = [shown - Math.max(before, after), shown - Math.min(before, after)]
  const found = candidates.find((time) => clockTime(timeZone, time) === shown)
  if (found !== undefined) return found
  // They are on both sides of the change. Clocks change at whole seconds.
  let [early = 0, late = 0] = candidates
  while (late - early > 1_000) {
    const middle = early + Math.floor((late - early) / 2_000) * 1_000
    if (offsetAt(timeZone, middle) === before) early = middle
    else late = middle
  }
  return late
}
