/** The console speaks English, whatever the browser does; figures and dates follow. */
const locale = 'en-GB'

const counts = new Intl.NumberFormat(locale)
const rates = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 })
const shares = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 })
const moments = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' })

/** `12,345` */
export function formatCount(count: number): string {
  return counts.format(count)
}

/** Three digits at most: `1,230`, `4.56`. */
export function formatRate(rate: number): string {
  return rates.format(rate)
}

/** Of a number from 0 to 1, `12.5%`. What is not all of it is never shown as 100%, and what is not nothing never as 0%. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.001) return '<0.1%'
  if (share < 1 && share > 0.999) return '>99.9%'
  return shares.format(share)
}

/** Date and time in the time zone of the browser. */
export function formatMoment(value: string): string {
  return moments.format(new Date(value))
}

/** A span in seconds by its two largest units: `45 s`, `3 min 20 s`, `2 h`, `3 d 4 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const units = [
    { size: 86_400, sign: 'd' },
    { size: 3_600, sign: 'h' },
    { size: 60, sign: 'min' },
    { size: 1, sign: 's' },
  ]
  const first = units.findIndex(({ size }) => whole >= size)
  if (first === -1) return '0 s'
  const parts: string[] = []
  let rest = whole
  for (const { size, sign } of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size)
    rest %= size
    if (count > 0) parts.push(`${count} ${sign}`)
  }
  return parts.join(' ')
}

/** How far a moment is from now (milliseconds since 1970): `just now`, `12 s ago`, `in 3 min`, `2 d ago`. */
export function formatRelative(value: string, now: number): string {
  const seconds = (new Date(value).getTime() - now) / 1000
  const distance = Math.abs(seconds)
  if (distance < 5) return 'just now'
  const unit = [
    { size: 86_400, sign: 'd' },
    { size: 3_600, sign: 'h' },
    { size: 60, sign: 'min' },
    { size: 1, sign: 's' },
  ].find(({ size }) => distance >= size)
  const told = `${Math.floor(distance / (unit?.size ?? 1))} ${unit?.sign ?? 's'}`
  return seconds < 0 ? `${told} ago` : `in ${told}`
}
