import { Option } from '@commander-js/extra-typings'
import type { RampInput } from '../../generated/commands/graphql.ts'
import { given } from '../options.ts'

/** How the rate of a job rises, as `10*2@50`. */
export const ramp = () =>
  new Option(
    '--ramp <FROM*FACTOR@N>',
    'devices per minute at first, and so many times as many after each N devices that succeed, up to --max-per-minute, such as "10*2@50"',
  ).argParser((text: string) => given(rampIn(text), 'a rate, a factor and a number of devices such as 10*2@50'))

/** The hub checks the numbers. */
function rampIn(text: string): RampInput | undefined {
  const [, from, factor, afterSucceeded] = /^(\d{1,7})\*(\d{1,2}(?:\.\d{1,2})?)@(\d{1,7})$/.exec(text) ?? []
  if (from === undefined) return undefined
  return { from: Number(from), factor: Number(factor), afterSucceeded: Number(afterSucceeded) }
}
