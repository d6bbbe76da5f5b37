import { Cron } from 'croner'
import { InvalidInputError } from '../errors.ts'
import { checkTimeZone, isTimeZone } from '../time-zone.ts'

/** The times of a schedule. */
export type Recurrence = {
  /** Minute, hour, day of month, month, day of week. */
  readonly cron: string
  readonly timeZone: string
  /** No time is later than this one. Null for no end. */
  readonly endTime: Date | null
}

const longestCron = 200

const parsed = ({ cron, timeZone }: Pick<Recurrence, 'cron' | 'timeZone'>): Cron =>
  // Without a function, nothing is started: it only computes times.
  new Cron(cron, { timezone: timeZone, mode: '5-part', domAndDow: false })

/**
 * The first `count` times after `from`, at most. On the night when clocks go forward, a time that does not exist is moved to
 * the end of the gap. When they go back, a time of day occurs once, the first time; `*` in the hours takes every real hour.
 */
export function timesAfter(recurrence: Recurrence, from: Date, count: number): readonly Date[] {
  const times = parsed(recurrence).nextRuns(count, from)
  const { endTime } = recurrence
  return endTime === null ? times : times.filter((time) => time <= endTime)
}

/** The last time in (`from`, `to`]; undefined when there is none. */
export function lastTimeUntil(recurrence: Recurrence, from: Date, to: Date): Date | undefined {
  // Times are whole minutes. Those before a second later are the times until now.
  const [last] = parsed(recurrence).previousRuns(1, new Date(to.getTime() + 1_000))
  const { endTime } = recurrence
  if (last === undefined || last <= from) return undefined
  return endTime !== null && last > endTime ? lastTimeUntil(recurrence, from, endTime) : last
}

/** Why a cron cannot be used, as a sentence; undefined when it can. */
function cronProblem(recurrence: Pick<Recurrence, 'cron' | 'timeZone'>): string | undefined {
  try {
    parsed(recurrence)
    return undefined
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error)
    return `cron is not valid: ${reason}`
  }
}

/**
 * Why the times of a recurrence that was once checked can no longer be computed, as a sentence; undefined when they can. Another
 * version of the hub or of Node.js may have checked it.
 */
export function recurrenceProblem(recurrence: Pick<Recurrence, 'cron' | 'timeZone'>): string | undefined {
  const { timeZone } = recurrence
  return isTimeZone(timeZone) ? cronProblem(recurrence) : `The hub does not know the time zone "${timeZone}".`
}

/** InvalidInputError unless it is cron with five fields that has a time after `now` and until the end. */
export function checkRecurrence(
  { cron, timeZone, endTime }: { readonly cron: unknown; readonly timeZone: unknown; readonly endTime: Date | null },
  now: Date,
): Recurrence {
  if (typeof cron !== 'string' || cron.length > longestCron) {
    throw new InvalidInputError(['cron'], `cron must be a text of at most ${longestCron} characters.`)
  }
  if (cron.trim().split(/\s+/).length !== 5) {
    throw new InvalidInputError(
      ['cron'],
      'cron must have five fields: minute, hour, day of month, month and day of week, such as "0 2 * * MON-FRI".',
    )
  }
  if (endTime !== null && !(endTime > now)) throw new InvalidInputError(['endTime'], 'The end must be in the future.')
  const recurrence = { cron: cron.trim(), timeZone: checkTimeZone(timeZone), endTime }
  const problem = cronProblem(recurrence)
  if (problem !== undefined) throw new InvalidInputError(['cron'], problem)
  if (timesAfter({ ...recurrence, endTime: null }, now, 1).length === 0) {
    throw new InvalidInputError(['cron'], 'cron never has a time: the day does not exist.')
  }
  if (timesAfter(recurrence, now, 1).length === 0) {
    throw new InvalidInputError(['endTime'], 'cron has no time before the end.')
  }
  return recurrence
}
