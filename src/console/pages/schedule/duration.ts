import { isInt, readNumber } from '../../read-number.ts'

/** The units of a duration, the smallest first. */
export const units = [
  { unit: 's', seconds: 1, word: 'seconds' },
  { unit: 'min', seconds: 60, word: 'minutes' },
  { unit: 'h', seconds: 3_600, word: 'hours' },
  { unit: 'd', seconds: 86_400, word: 'days' },
] as const

/** The name of a unit. */
export type Unit = (typeof units)[number]['unit']

/** A duration as it is typed: a number and a unit. */
export type Span = { readonly amount: string; readonly unit: Unit }

/** The duration in seconds; undefined if it is not a whole number of seconds within GraphQL's Int. */
export function secondsOf({ amount, unit }: Span): number | undefined {
  const size = units.find((one) => one.unit === unit)?.seconds ?? 1
  const typed = readNumber(amount)
  // Rounded, because 1.1 h must be 3960 s despite floating point.
  const seconds = typed === undefined ? Number.NaN : Math.round(typed * size * 1000) / 1000
  return isInt(seconds) ? seconds : undefined
}

/** A whole number of seconds in the largest unit that needs no fraction. */
export function spanOf(seconds: number): Span {
  const { unit, seconds: size } = units.findLast((one) => seconds % one.seconds === 0 && seconds > 0) ?? units[0]
  return { amount: String(seconds / size), unit }
}
