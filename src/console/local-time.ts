/**
 * A local date and time as `<input type="datetime-local">` has it (`2026-03-01T06:30`) as a moment; undefined if it is
 * not valid.
 */
export function momentOf(local: string): string | undefined {
  const date = /^\d{4,}-\d\d-\d\dT\d\d:\d\d/.test(local) ? new Date(local) : new Date(Number.NaN)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

/** A moment (milliseconds since 1970) as such a date and time, to the minute. */
export function localOf(time: number): string {
  const date = new Date(time)
  const two = (part: number): string => String(part).padStart(2, '0')
  const year = String(date.getFullYear()).padStart(4, '0')
  const day = `${year}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`
}
