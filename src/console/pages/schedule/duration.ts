/** The units of a duration, the smallest first. */
export const units = [
  { unit: 's', seconds: 1, word: 'seconds' },
  { unit: 'min', seconds: 60, word: 'minutes' },
  { unit: 'h', seconds: 3_600, word: 'hours' },
  { unit: 'd', seconds: 86_400, word: 'days' },
] as const

/** The sign of a unit. */
export type Unit = (typeof units)[number]['unit']

/** A span as it is typed: a number, and its unit. */
export type Span = { readonly amount: string; readonly unit: Unit }

/** Its seconds; undefined if it is not a number, or not a whole number of seconds within GraphQL's Int. */
export function secondsOf({ amount, unit }: Span): number | undefined {
  const size = units.find((one) => one.unit === unit)?.seconds ?? 1
  const typed = readNumber(amount)
  // 1.1 h is 3960 s, whatever floating point makes of it.
  const seconds = typed === undefined ? Number.NaN : Math.round(typed * size * 1000) / 1000
  return isInt(seconds) ? seconds : undefined
}

/** A whole number of seconds as it would be typed: in the largest unit that needs no fraction. */
export function spanOf(seconds: number): Span {
  const { unit, seconds: size } = units.findLast((one) => seconds % one.seconds === 0 && seconds > 0) ?? units[0]
  return { amount: String(seconds / size), unit }
}

/** A whole number as it is typed; undefined if it is not one within GraphQL's Int. */
export function readInt(text: string): number | undefined {
  const typed = readNumber(text)
  return typed !== undefined && isInt(typed) ? typed : undefined
}

function readNumber(text: string): number | undefined {
  return /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : undefined
}

function isInt(number: number): boolean {
  return Number.isInteger(number) && number < 2 ** 31
}
