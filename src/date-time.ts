// Parses times from outside, and prints times. Only this file converts text into a time: JavaScript's own parser
// accepts forms that differ from engine to engine, and turns the 30th of February into the 2nd of March. Times in rows
// of the database have one form, which `database/timestamps.ts` reads.

/** An example of a time, for messages. */
export const dateTimeExample = '2026-03-01T06:30:00Z'

/**
 * The moment of an ISO 8601 text, in the forms that clients of IoT Hub write (RFC 3339, and somewhat more):
 * `2026-03-01`, optionally `T` or a space and `06:30`, `06:30:00` or with up to nine decimals, optionally `Z` or an
 * offset. Without one it is UTC. Milliseconds are kept and finer digits are cut off. Undefined for any other text, for
 * a day or a time of day that does not exist, and before year 1 or after year 9999, which neither ISO 8601 nor
 * PostgreSQL can express.
 */
export function parseDateTime(text: string): Date | undefined {
  const form = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d))?)?$/i
  const [matched, day, minute = '00:00', second = '00', fraction = '', sign, hours = '0', minutes = '0'] =
    form.exec(text) ?? []
  if (matched === undefined) return undefined
  const local = momentOf(`${day}T${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}Z`)
  if (local === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000
  return within(new Date(local.getTime() - (sign === '-' ? -offset : offset)))
}

/** The same for a text that must contain its offset, so that it is one moment wherever it is read. */
export function parseZonedDateTime(text: string): Date | undefined {
  return /T.*(?:Z|[+-]\d\d:\d\d)$/.test(text) ? parseDateTime(text) : undefined
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The moment in a certificate, as OpenSSL prints it: `Mar  1 06:30:00 2026 GMT`. Undefined for any other text. */
export function parseCertificateTime(text: string): Date | undefined {
  const form = /^([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d) (\d{4}) GMT$/
  const [, name = '', day = '', clock, year] = form.exec(text) ?? []
  const month = String(months.indexOf(name) + 1).padStart(2, '0')
  return momentOf(`${year}-${month}-${day.replace(' ', '0')}T${clock}.000Z`)
}

/** The moment of a text in the form of `toISOString`. A time that does not exist prints differently, or not at all. */
function momentOf(text: string): Date | undefined {
  const moment = new Date(text)
  return Number.isNaN(moment.getTime()) || moment.toISOString() !== text ? undefined : moment
}

const [first, last] = [new Date('0001-01-01T00:00:00.000Z'), new Date('9999-12-31T23:59:59.999Z')]

function within(moment: Date): Date | undefined {
  return moment >= first && moment <= last ? moment : undefined
}

const dayLength = 86_400_000
/** Numbers below 100, and below 1,000, with leading zeros. */
const twoDigits = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'))
const threeDigits = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, '0'))

/**
 * The day that was printed last, counted from 1970, and its text up to the `T`. Times of one answer are often close.
 */
let lastDay = Number.NaN
let lastDayText = ''

/** The text of `toISOString`, in an eighth of its time. */
export function printDateTime(moment: Date): string {
  const time = moment.getTime()
  const day = Math.floor(time / dayLength)
  if (day !== lastDay) {
    const text = moment.toISOString()
    lastDay = day
    lastDayText = text.slice(0, -13)
    return text
  }
  const milliseconds = time - day * dayLength
  const seconds = Math.floor(milliseconds / 1000)
  const minutes = Math.floor(seconds / 60)
  const clock = `${twoDigits[Math.floor(minutes / 60)]}:${twoDigits[minutes % 60]}:${twoDigits[seconds % 60]}`
  return `${lastDayText}${clock}.${threeDigits[milliseconds % 1000]}Z`
}
