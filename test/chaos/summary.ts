import { table } from '../../src/cli/terminal/table.ts'
import type { Verdict } from './judge.ts'
import type { Planned } from './plan.ts'

/** What a run did and found. */
export type Summary = {
  readonly seed: number
  readonly seconds: number
  readonly devices: number
  /** The balancer and the bus. */
  readonly parts: string
  readonly plan: readonly Planned[]
  /** Devices that lost their connection so that they came to another gateway. */
  readonly moves: number
  readonly jobs: number
  readonly directCalls: number
  readonly verdict: Verdict
}

/** Faults that are printed; the others are counted. */
const printedFaults = 20

/** The table at the end of a run, and then its faults. */
export function printSummary({
  seed,
  seconds,
  devices,
  parts,
  plan,
  moves,
  jobs,
  directCalls,
  verdict,
}: Summary): string[] {
  const counts = new Map<string, number>()
  for (const { disturbance } of plan) counts.set(disturbance.kind, (counts.get(disturbance.kind) ?? 0) + 1)
  const count = (kind: Planned['disturbance']['kind']): number => counts.get(kind) ?? 0
  const rows: (readonly [string, string | number])[] = [
    ['seed', String(seed)],
    ['duration', `${Math.round(seconds)} s`],
    ['devices', devices],
    ['parts', parts],
    ['kills', count('kill')],
    ['freezes', count('freeze')],
    ['half-open connections', count('half-open')],
    ['partitions', count('partition')],
    ['NATS down', count('nats')],
    ['rolling restarts', count('rolling restart')],
    ['moves of devices', moves],
    ['jobs', jobs],
    ['calls of jobs', verdict.calls],
    ['direct methods', directCalls],
    ['unknown outcomes', verdict.unknown],
    ['lost', verdict.lost],
    ['doubled', verdict.doubled],
  ]
  const { faults } = verdict
  const more = faults.length - printedFaults
  return [
    ...table(rows.map(([name, value]) => [name, typeof value === 'number' ? value.toLocaleString('en') : value])),
    '',
    faults.length === 0 ? 'No faults.' : `${faults.length.toLocaleString('en')} faults:`,
    ...faults.slice(0, printedFaults),
    ...(more > 0 ? [`and ${more.toLocaleString('en')} more`] : []),
  ]
}
