import type { RampInput } from '../../../generated/console/graphql.ts'
import { readInt, readNumber } from '../../read-number.ts'

/** A ramp, as it was typed. */
export type RampTexts = {
  /** Devices per minute; empty without a ramp. The other two count only with it. */
  readonly rampFrom: string
  readonly rampAfterSucceeded: string
  readonly rampFactor: string
}

/** No ramp. One that is typed doubles the rate, unless another factor is typed. */
export const emptyRamp: RampTexts = { rampFrom: '', rampAfterSucceeded: '', rampFactor: '2' }

/** The fields of a ramp, in their order. */
export const rampFields = [
  {
    name: 'rampFrom',
    label: 'Start rate',
    hint: 'Devices per minute at first. The rate rises as devices succeed. Leave empty for the full rate at once.',
    mode: 'numeric',
  },
  {
    name: 'rampAfterSucceeded',
    label: 'Raise after (devices)',
    hint: 'So many devices have to succeed before each raise.',
    mode: 'numeric',
  },
  {
    name: 'rampFactor',
    label: 'Raise by (factor)',
    hint: 'Each rate is so many times the one before.',
    mode: 'decimal',
  },
] as const

/** Those of the fields that count. */
export const rampFieldsOf = ({ rampFrom }: RampTexts): readonly (typeof rampFields)[number][] =>
  rampFrom.trim() === '' ? rampFields.slice(0, 1) : rampFields

/** A ramp as texts. */
export function printRamp(
  ramp: { readonly from: number; readonly factor: number | null; readonly afterSucceeded: number } | null | undefined,
): RampTexts {
  if (ramp == null) return emptyRamp
  const { from, factor, afterSucceeded } = ramp
  return {
    rampFrom: String(from),
    rampAfterSucceeded: String(afterSucceeded),
    rampFactor: factor === null ? '' : String(factor),
  }
}

/** The ramp that was typed, up to a rate; undefined without one. What cannot be sent is added to the problems. The hub checks the numbers. */
export function readRamp(
  { rampFrom, rampAfterSucceeded, rampFactor, maxPerMinute }: RampTexts & { readonly maxPerMinute: string },
  problems: { [name in keyof RampTexts | 'maxPerMinute']?: string },
): RampInput | undefined {
  if (rampFrom.trim() === '') return undefined
  const [from, afterSucceeded] = [readInt(rampFrom), readInt(rampAfterSucceeded)]
  const factor = rampFactor.trim() === '' ? undefined : readNumber(rampFactor)
  if (maxPerMinute.trim() === '') {
    problems.maxPerMinute = 'Enter the rate to which the start rate rises, or leave both empty.'
  }
  if (from === undefined) problems.rampFrom = 'Enter a whole number, or leave empty.'
  if (afterSucceeded === undefined) problems.rampAfterSucceeded = 'Enter a whole number of devices.'
  if (rampFactor.trim() !== '' && factor === undefined) {
    problems.rampFactor = 'Enter a number, such as 1.5, or leave empty for 2.'
  }
  return { from: from ?? 0, afterSucceeded: afterSucceeded ?? 0, ...(factor === undefined ? {} : { factor }) }
}
