import { formatDuration } from '../../format.ts'
import { localOf } from '../../local-time.ts'

/** The first full hour at least an hour ahead: the default start time. */
export function proposeStart(now: number): string {
  const date = new Date(now)
  date.setHours(date.getHours() + 2, 0, 0, 0)
  return localOf(date.getTime())
}

/**
 * How far a moment is ahead of now (milliseconds since 1970), to the minute: `in 1 h 40 min`. Undefined for one that
 * has passed.
 */
export function formatAhead(moment: string, now: number): string | undefined {
  const seconds = (Date.parse(moment) - now) / 1000
  if (seconds <= 0) return undefined
  return `in ${formatDuration(seconds < 60 ? seconds : Math.round(seconds / 60) * 60)}`
}

/** `2026-03-01 05:30 UTC` */
export function formatUtc(moment: string): string {
  return `${moment.slice(0, 10)} ${moment.slice(11, 16)} UTC`
}
