import { formatDuration } from '../../format.ts'

/** A local date and time as `<input type="datetime-local">` has it (`2026-03-01T06:30`) as a moment; undefined if it is not valid. */
export function momentOf(local: string): string | undefined {
  const date = /^\d{4,}-\d\d-\d\dT\d\d:\d\d/.test(local) ? new Date(local) : new Date(Number.NaN)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

/** A moment (milliseconds since 1970) as such a date and time, to the minute. */
export function localOf(time: number): string {
  const date = new Date(time)
  const two = (part: number): string => String(part).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`
}

/** The first full hour at least an hour ahead: the default start time. */
export function proposeStart(now: number): string {
  const date = new Date(now)
  date.setHours(date.getHours() + 2, 0, 0, 0)
  return localOf(date.getTime())
}

/** How far a moment is ahead of now (milliseconds since 1970), to the minute: `in 1 h 40 min`. Undefined for one that has passed. */
export function formatAhead(moment: string, now: number): string | undefined {
  const seconds = (Date.parse(moment) - now) / 1000
  if (seconds <= 0) return undefined
  return `in ${formatDuration(seconds < 60 ? seconds : Math.round(seconds / 60) * 60)}`
}

/** `2026-03-01 05:30 UTC` */
export function formatUtc(moment: string): string {
  return `${moment.slice(0, 10)} ${moment.slice(11, 16)} UTC`
}
