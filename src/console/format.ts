/** The console is in English, whatever the language of the browser: numbers and dates, too. */
const locale = 'en-GB'

const counts = new Intl.NumberFormat(locale)
const rates = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 })
const shares = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 })
const minuteFields = {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZoneName: 'short',
} as const
const minutes = new Intl.DateTimeFormat(locale, minuteFields)
const moments = new Intl.DateTimeFormat(locale, { ...minuteFields, second: '2-digit' })
const utcMoments = new Intl.DateTimeFormat(locale, { ...minuteFields, second: '2-digit', timeZone: 'UTC' })
const seconds = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' })
const utcSeconds = new Intl.DateTimeFormat(locale, { timeStyle: 'medium', timeZone: 'UTC' })

/** `12,345` */
export function formatCount(count: number): string {
  return counts.format(count)
}

/** `1 device`, `12,345 devices` */
export function formatDevices(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'device' : 'devices'}`
}

/** Three digits at most: `1,230`, `4.56`. */
export function formatRate(rate: number): string {
  return rates.format(rate)
}

/** A number from 0 to 1 as `12.5%`. Only 1 is shown as 100%, and only 0 as 0%. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.001) return '<0.1%'
  if (share < 1 && share > 0.999) return '>99.9%'
  return shares.format(share)
}

/** Date and time in the time zone of the browser, with its name: `1 Dec 2026, 14:02:20 GMT`. */
export function formatMoment(value: string): string {
  return moments.format(new Date(value))
}

/** Date and time in UTC. */
export function formatUtcMoment(value: string): string {
  return utcMoments.format(new Date(value))
}

/** The time of a moment in milliseconds since 1970: `14:19:12`, with its date unless that is the date of `now`. */
export function formatTimeOfDay(moment: number, now: number): string {
  const isToday = new Date(moment).toDateString() === new Date(now).toDateString()
  return (isToday ? seconds : moments).format(moment)
}

/** The time of day of such a moment, in the time zone of the browser or in UTC. */
export function formatClock(moment: number, isUtc: boolean): string {
  return (isUtc ? utcSeconds : seconds).format(moment)
}

/** The name of that time zone at a moment: `GMT-5`, `UTC`. */
export function formatZone(moment: number, isUtc: boolean): string {
  const parts = (isUtc ? utcMoments : moments).formatToParts(moment)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
}

/** Date and time to the minute, for times that people choose: `1 Dec 2026, 14:02 GMT`. */
export function formatMinute(value: string): string {
  return minutes.format(new Date(value))
}

/** A text of the hub with its times as those of the browser: `planned for 1 Dec 2026, 14:02 GMT.` */
export function showTimes(text: string): string {
  return text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, formatMinute)
}

/** A time that lies ahead: `1 Dec 2026, 14:02 GMT (in 3 days)`. `now` in milliseconds since 1970. */
export function formatPlanned(value: string, now: number): string {
  return `${formatMinute(value)} (${formatRelative(value, now)})`
}

/** A span in seconds by its two largest units: `45 s`, `3 min 20 s`, `2 h`, `3 days 4 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const first = units.findIndex(({ size }) => whole >= size)
  if (first === -1) return '0 s'
  const parts: string[] = []
  let rest = whole
  for (const unit of units.slice(first, first + 2)) {
    const count = Math.floor(rest / unit.size)
    rest %= unit.size
    if (count > 0) parts.push(withUnit(count, unit))
  }
  return parts.join(' ')
}

/** How far a moment is from now (milliseconds since 1970): `just now`, `12 s ago`, `in 3 min`, `2 days ago`. */
export function formatRelative(value: string, now: number): string {
  const seconds = (new Date(value).getTime() - now) / 1000
  if (Math.abs(seconds) < 5) return 'just now'
  const distance = formatDistance(Math.abs(seconds))
  return seconds < 0 ? `${distance} ago` : `in ${distance}`
}

/** A span in seconds, rounded to one unit: `45 s`, `3 min`, `2 days`. */
export function formatDistance(seconds: number): string {
  // The largest unit of which there is at least one after rounding: 59.7 min are 1 h.
  const counts = units.map((unit) => ({ unit, count: roundIn(unit, seconds) }))
  const { unit, count } = counts.find(({ count }) => count > 0) ?? { unit: second, count: 0 }
  return withUnit(count, unit)
}

type Unit = { readonly size: number; readonly one: string; readonly many: string }

const second: Unit = { size: 1, one: 's', many: 's' }
const units: readonly Unit[] = [
  { size: 86_400, one: 'day', many: 'days' },
  { size: 3_600, one: 'h', many: 'h' },
  { size: 60, one: 'min', many: 'min' },
  second,
]

/** The whole number of a unit that is nearest; 0 below what the next smaller unit would round up to it. */
function roundIn({ size }: Unit, seconds: number): number {
  const smaller = units[units.findIndex((unit) => unit.size === size) + 1]?.size ?? 1
  return Math.round(seconds / smaller) * smaller < size ? 0 : Math.round(seconds / size)
}

function withUnit(count: number, { one, many }: Unit): string {
  return `${count} ${count === 1 ? one : many}`
}
