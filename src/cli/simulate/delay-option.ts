import { Option } from '@commander-js/extra-typings'
import type { Latency } from '../../simulator/latency.ts'
import { given } from '../options.ts'

/** The option `--delay`: milliseconds, or a range of them. */
export const delay = (help: string) =>
  new Option('--delay <MS>', help).argParser(
    (text: string): Latency =>
      given(latencyIn(text), 'milliseconds from 0 to 600000, or a range with the smaller number first'),
  )

function latencyIn(text: string): Latency | undefined {
  const [, low = '', high] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text) ?? []
  const min = Number(low || Number.NaN)
  const max = Number(high ?? min)
  if (!(min <= max && max <= 600_000)) return undefined
  return high === undefined ? min : { min, max }
}
