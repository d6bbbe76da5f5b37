import { Option } from '@commander-js/extra-typings'
import type { GateInput, WaveInput } from '../../generated/commands/graphql.ts'
import { given } from '../options.ts'

/** A wave of a new job, as `10` or `5%:succeeded>=95%,soak=600,approval,cancel`. May be given several times. */
export const waves = () =>
  new Option(
    '--wave <WAVE>',
    'calls so many devices, or a share of them, before the others, such as "10" or "5%:succeeded>=95%,soak=600"; may be repeated',
  ).argParser((text: string, before: readonly WaveInput[] | undefined) => [
    ...(before ?? []),
    given(waveIn(text), 'a wave such as 10, 5% or 5%:succeeded>=95%,soak=600,approval,cancel'),
  ])

/** The hub checks the numbers. */
function waveIn(text: string): WaveInput | undefined {
  const [, number = '', share, , gate] = /^(\d{1,10}(?:\.\d{1,2})?)(%?)(:(.+))?$/.exec(text.replaceAll(' ', '')) ?? []
  if (number === '') return undefined
  const size = share === '%' ? { percent: Number(number) } : { devices: Number(number) }
  if (gate === undefined) return size
  const parts = gate.toLowerCase().split(',').map(gatePart)
  return parts.every((part) => part !== undefined) ? { ...size, gate: Object.assign({}, ...parts) } : undefined
}

function gatePart(text: string): GateInput | undefined {
  const [, percent] = /^succeeded>=(\d{1,3}(?:\.\d{1,2})?)%$/.exec(text) ?? []
  if (percent !== undefined) return { succeededPercent: Number(percent) }
  const [, seconds] = /^soak=(\d{1,9})$/.exec(text) ?? []
  if (seconds !== undefined) return { soakSeconds: Number(seconds) }
  if (text === 'approval') return { approval: true }
  if (text === 'pause') return { onFailure: 'PAUSE' }
  return text === 'cancel' ? { onFailure: 'CANCEL' } : undefined
}
