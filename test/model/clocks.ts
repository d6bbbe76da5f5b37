import { daysOfWeek, type TimeWindow } from '../../src/job/time-window.ts'

// Time windows as docs/job-states.md describes them, found by looking at the clocks of a zone minute by minute.

export type Interval = { readonly opens: number; readonly closes: number }

const minute = 60_000
const quarter = 15 * minute
const day = 24 * 60 * minute
/** Milliseconds around a moment in which windows are looked for. */
const around = 2 * day

const formats = new Map<string, Intl.DateTimeFormat>()
const offsets = new Map<string, number>()

/** What the clocks of a zone show at a moment, as if it were UTC. */
export function shownBy(zone: string, time: number): number {
  // Clocks change at a full quarter of an hour.
  const begin = Math.floor(time / quarter) * quarter
  const key = `${zone} ${begin}`
  let offset = offsets.get(key)
  if (offset === undefined) {
    const format =
      formats.get(zone) ?? new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
    formats.set(zone, format)
    offset = Date.parse(`${format.format(begin).replace(' ', 'T')}Z`) - begin
    offsets.set(key, offset)
  }
  return time + offset
}

/** The time of day that clocks show. */
export const timeOfDay = (shown: number): string => new Date(shown).toISOString().slice(11, 16)

/** Whether this Node.js knows the zone. */
export function isKnownZone(zone: string): boolean {
  try {
    shownBy(zone, 0)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

const minutesIn = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))

/** Clocks: what they show at a moment, and when they first show a time. */
type Clocks = { shown(time: number): number; firstShowing(wanted: number): number }

/** When calls of at most so many milliseconds may begin around a moment. */
function openTimes(
  { days, from, to }: TimeWindow,
  { shown, firstShowing }: Clocks,
  { moment, longestCall }: { readonly moment: number; readonly longestCall: number },
): readonly Interval[] {
  const ahead = minutesIn(to) - minutesIn(from)
  const length = ahead > 0 ? ahead * minute : ahead * minute + day
  const today = Math.floor(shown(moment) / day)
  return [today - 1, today, today + 1].flatMap((date): Interval[] => {
    const name = daysOfWeek[(date + 3) % 7]
    if (days !== undefined && !days.some((chosen) => chosen === name)) return []
    const begin = date * day + minutesIn(from) * minute
    const [opens, closes] = [firstShowing(begin), firstShowing(begin + length)]
    const isTooShort = closes - opens <= longestCall
    return [{ opens, closes: (isTooShort ? opens + length : closes) - longestCall }]
  })
}

/** The clocks of a zone, looked at minute by minute around a moment. */
function clocksOf(zone: string, moment: number): Clocks {
  const shown = (time: number): number => shownBy(zone, time)
  const begin = Math.floor((moment - around) / minute) * minute
  const times = Array.from({ length: (2 * around) / minute }, (_, index) => shown(begin + index * minute))
  return {
    shown,
    firstShowing(wanted) {
      const index = times.findIndex((time) => time >= wanted)
      return index < 0 ? Number.POSITIVE_INFINITY : begin + index * minute
    },
  }
}

/** Clocks that are ahead of UTC by so many milliseconds. */
const clocksAhead = (offset: number): Clocks => ({
  shown: (time) => time + offset,
  firstShowing: (wanted) => wanted - offset,
})

const clocks = new Map<string, Clocks>()

/** When calls may begin by the clocks of a zone. */
export function openTimesIn(
  zone: string,
  window: TimeWindow,
  at: { readonly moment: number; readonly longestCall: number },
): readonly Interval[] {
  const key = `${zone} ${at.moment}`
  const ofZone = clocks.get(key) ?? clocksOf(zone, at.moment)
  clocks.set(key, ofZone)
  return openTimes(window, ofZone, at)
}

/** Whether the window is open at any time between two moments, in its zone or, where devices name theirs, anywhere on Earth. */
export function opensBetween(window: TimeWindow, begin: number, end: number, longestCall: number): boolean {
  const isWithin = ({ opens, closes }: Interval): boolean => closes > begin && opens < end
  const { timeZone, timeZoneFrom } = window
  const at = { moment: begin, longestCall }
  if (timeZoneFrom === undefined && timeZone !== undefined) return openTimesIn(timeZone, window, at).some(isWithin)
  const ahead = Array.from({ length: 26 * 4 + 1 }, (_, index) => index * quarter - day / 2)
  return ahead.some((offset) => openTimes(window, clocksAhead(offset), at).some(isWithin))
}
