import { InvalidInputError } from '../errors.ts'
import { checkTimeZone, clockTime, firstShowing, isTimeZone } from '../time-zone.ts'
import { checkPath } from './budget.ts'

// A time window says when the calls of a job, or its twin updates, may begin. What runs when it closes goes on.

/** In the order in which they are shown. */
export const daysOfWeek = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const
export type DayOfWeek = (typeof daysOfWeek)[number]

/** The window of a job as it is stored. It opens on each of the days at `from`, by the clocks of its time zone. */
export type TimeWindow = {
  /** Left out for every day. */
  readonly days?: readonly DayOfWeek[]
  /** Such as `02:00`. */
  readonly from: string
  /** On the next day unless it is later than `from`. */
  readonly to: string
  /** The zone of all devices or, with `timeZoneFrom`, of those that name none. */
  readonly timeZone?: string
  /** A path as in conditions, such as `tags.timeZone`: where each device names its own zone. */
  readonly timeZoneFrom?: string
}

/** When calls may begin: from `opens`, and before `closes`. */
export type OpenTime = { readonly opens: Date; readonly closes: Date }

const minute = 60_000
const day = 24 * 60 * minute

/** A moment, in whole milliseconds since 1970. */
const moment = (milliseconds: number): Date => new Date(Math.ceil(milliseconds))

/** 1970 began on a Thursday. */
const dayOf = (date: number): DayOfWeek | undefined => daysOfWeek[(Math.floor(date / day) + 3) % 7]

/** The window that a client requests. InvalidInputError with the path of the member. */
export function checkTimeWindow(value: unknown, path: readonly string[]): TimeWindow {
  if (typeof value !== 'object' || value === null) throw new InvalidInputError(path, 'A window must be an object.')
  const { days, from, to, timeZone, timeZoneFrom }: Readonly<Record<string, unknown>> = { ...value }
  if (!isGiven(timeZone) && !isGiven(timeZoneFrom)) {
    throw new InvalidInputError([...path, 'timeZone'], 'Give timeZone, timeZoneFrom or both.')
  }
  const window = {
    ...(isGiven(days) && { days: checkDays(days, [...path, 'days']) }),
    from: checkTimeOfDay(from, [...path, 'from']),
    to: checkTimeOfDay(to, [...path, 'to']),
    ...(isGiven(timeZone) && { timeZone: checkTimeZone(timeZone, [...path, 'timeZone']) }),
    ...(isGiven(timeZoneFrom) && { timeZoneFrom: checkPath(timeZoneFrom, [...path, 'timeZoneFrom'], 'tags.timeZone') }),
  }
  if (window.from !== window.to) return window
  const message =
    'A window must not end at the time at which it opens. Leave it out for a job that may call at any time.'
  throw new InvalidInputError([...path, 'to'], message)
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null

/** The zone of a device that names this one; undefined when its window never opens. */
export function zoneFor({ timeZone }: TimeWindow, named: string | null): string | undefined {
  return named !== null && isTimeZone(named) ? named : timeZone
}

function checkDays(value: unknown, path: readonly string[]): readonly DayOfWeek[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new InvalidInputError(path, 'Give at least one day of the week, or leave days out for every day.')
  }
  const days = value.map((given: unknown, index) => {
    const known = daysOfWeek.find((name) => name === given)
    if (known !== undefined) return known
    throw new InvalidInputError([...path, String(index)], `A day must be one of ${daysOfWeek.join(', ')}.`)
  })
  return daysOfWeek.filter((name) => days.includes(name))
}

function checkTimeOfDay(value: unknown, path: readonly string[]): string {
  if (typeof value === 'string' && /^([01]\d|2[0-3]):[0-5]\d$/.test(value)) return value
  throw new InvalidInputError(path, `${path.at(-1)} must be a time of day from 00:00 to 23:59, such as "02:00".`)
}

const minutesOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))

/** Milliseconds from `from` to `to` on a day without a clock change. */
export function lengthOf({ from, to }: Pick<TimeWindow, 'from' | 'to'>): number {
  const length = (minutesOf(to) - minutesOf(from)) * minute
  return length > 0 ? length : length + day
}

/** InvalidInputError unless a call that takes as many milliseconds as it may, fits into the window. */
export function requireLongEnough(window: TimeWindow, longestCall: number, path: readonly string[]): void {
  if (lengthOf(window) > longestCall) return
  const [minutes, seconds] = [lengthOf(window) / minute, longestCall / 1_000]
  throw new InvalidInputError(
    [...path, 'to'],
    `The window has ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}. It must be longer than the response timeout of ${seconds} seconds, because calls must have time to end in it.`,
  )
}

/**
 * When calls of at most `longestCall` milliseconds may begin: the time that has not ended at `at`, or the next one.
 *
 * A window opens once on each of its days. Where the clocks skip `from`, it opens at the end of the gap; where they show it
 * twice, the first time. It closes when they first show `to`. Where a gap leaves no time for a call, the window is as
 * long as on other days.
 */
export function openTimeAt(window: TimeWindow, timeZone: string, at: Date, longestCall: number): OpenTime {
  const today = Math.floor(clockTime(timeZone, at.getTime()) / day) * day
  // One that opened yesterday may still be open, also when a gap of a day has moved it.
  for (let date = today - 2 * day; ; date += day) {
    const name = dayOf(date)
    if (window.days !== undefined && !window.days.some((chosen) => chosen === name)) continue
    const found = openTimeOn(window, timeZone, date, longestCall)
    if (found.closes > at) return found
  }
}

/** The window that opens on a date. Its end is earlier by the time of a call, so that calls have time to end in it. */
function openTimeOn(window: TimeWindow, timeZone: string, date: number, longestCall: number): OpenTime {
  const [shown, length] = [date + minutesOf(window.from) * minute, lengthOf(window)]
  const opens = firstShowing(timeZone, shown)
  const closes = firstShowing(timeZone, shown + length)
  const end = closes - opens > longestCall ? closes : opens + length
  return { opens: moment(opens), closes: moment(end - longestCall) }
}

/**
 * InvalidInputError when the time of a job is up before its window is opened for the first time. `isNew`: its start time can still be
 * chosen.
 */
export function requireOpening(
  window: TimeWindow,
  longestCall: number,
  { startTime, maxExecutionTimeInSeconds }: { readonly startTime: Date; readonly maxExecutionTimeInSeconds: number },
  { isNew = true }: { readonly isNew?: boolean } = {},
): void {
  const deadline = new Date(startTime.getTime() + maxExecutionTimeInSeconds * 1_000)
  const opens = firstOpening(window, startTime, longestCall)
  if (opens === undefined || opens < deadline) return
  const seconds = Math.floor((opens.getTime() - startTime.getTime()) / 1_000)
  throw new InvalidInputError(
    ['maxExecutionTimeInSeconds'],
    `The job would end at ${deadline.toISOString()}, before its window is opened at ${opens.toISOString()}. Give more than ${seconds} seconds${isNew ? ', or a later start time' : ''}.`,
  )
}

const quarter = 15 * minute

/** By how many milliseconds clocks may be ahead of UTC: all zones of devices that are not known yet are among these. */
const offsets = Array.from({ length: 26 * 4 + 1 }, (_, index) => index * quarter - 12 * 60 * minute)

/**
 * When the window opens, in the zone in which it does so first. Undefined for a zone that another version of Node.js knew: with it,
 * the job fails when its devices would be selected.
 */
function firstOpening(window: TimeWindow, from: Date, longestCall: number): Date | undefined {
  const only = onlyZone(window)
  if (only !== undefined) return isTimeZone(only) ? openTimeAt(window, only, from, longestCall).opens : undefined
  const times = offsets.map((offset) => {
    const shown = moment(from.getTime() + offset)
    return openTimeAt(window, 'UTC', shown, longestCall).opens.getTime() - offset
  })
  return moment(Math.min(...times))
}

/** The zone of a window that opens in one zone only. */
export const onlyZone = ({ timeZone, timeZoneFrom }: TimeWindow): string | undefined =>
  timeZoneFrom === undefined ? timeZone : undefined

/** Whether calls may begin at a moment. */
export const isOpen = ({ opens, closes }: OpenTime, at: Date): boolean => opens <= at && at < closes

/** The next times at which calls may begin, of which the first may have begun already. */
export function openTimesFrom(
  window: TimeWindow,
  timeZone: string,
  at: Date,
  longestCall: number,
  count: number,
): readonly OpenTime[] {
  const times: OpenTime[] = []
  for (let from = at; times.length < count; ) {
    const time = openTimeAt(window, timeZone, from, longestCall)
    times.push(time)
    from = time.closes
  }
  return times
}

/** The moment at which the window has been open for so many milliseconds since `from`; `latest` if that is not before it. */
export function afterOpenTime(
  window: TimeWindow,
  timeZone: string,
  { from, milliseconds, latest }: { readonly from: Date; readonly milliseconds: number; readonly latest: Date },
  longestCall: number,
): Date {
  let left = milliseconds
  for (let at = from; at < latest; ) {
    const { opens, closes } = openTimeAt(window, timeZone, at, longestCall)
    const begin = Math.max(opens.getTime(), at.getTime())
    const end = begin + left
    if (end <= closes.getTime()) return end < latest.getTime() ? moment(end) : latest
    left -= closes.getTime() - begin
    at = closes
  }
  return latest
}

/** Milliseconds that a call of a job may take; 0 for a twin update, which takes no time. */
export const longestCallOf = (call: { readonly responseTimeoutInSeconds: number } | undefined): number =>
  (call?.responseTimeoutInSeconds ?? 0) * 1_000

/** The times of a window at `now`, and which of them is the next (`turn`). */
export function timesAt(
  window: TimeWindow,
  timeZone: string,
  now: Date,
  longestCall: number,
): OpenTime & { readonly turn: Date } {
  const times = openTimeAt(window, timeZone, now, longestCall)
  return { ...times, turn: times.opens > now ? times.opens : times.closes }
}

/**
 * The end of a job whose work would take until `eta` if its window stayed open. Null while it is closed, because nothing says how fast the
 * work will be, in several zones, and in one that this version of Node.js does not know. The time that calls need at the end of each window is not considered.
 */
export function etaInWindow(
  window: TimeWindow,
  times: readonly (OpenTime | { readonly opens: null })[],
  { eta, deadline, now }: { readonly eta: Date; readonly deadline: Date; readonly now: Date },
): Date | null {
  const timeZone = onlyZone(window)
  if (timeZone === undefined || !isTimeZone(timeZone)) return null
  if (!times.some((each) => each.opens !== null && isOpen(each, now))) return null
  const milliseconds = eta.getTime() - now.getTime()
  return afterOpenTime(window, timeZone, { from: now, milliseconds, latest: deadline }, 0)
}
