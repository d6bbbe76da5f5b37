import { median, spread } from './numbers.ts'

/** The processes whose CPU time is told apart. */
export const processNames = ['hub', 'database', 'devices'] as const

/** CPU microseconds an operation, of those processes that take part. */
export type CpuMicros = Readonly<Partial<Record<(typeof processNames)[number], number>>>

/** One measured run, its value in the unit of its row. */
export type Run = { readonly value: number; readonly cpuMicros: CpuMicros }

/** What a ratio is to be. A gate that does not hold fails the benchmark; a goal only says so. */
export type Limit = { readonly kind: 'gate' | 'goal' } & ({ readonly atLeast: number } | { readonly atMost: number })

/** Two things measured in one go. Their ratio, ours to the baseline, is what counts. */
export type Row = {
  readonly name: string
  readonly what: string
  readonly unit:
    | 'op/s'
    | 'rows/s'
    | 'requests/s'
    | 'CPU µs/device'
    | 'CPU µs/delivery'
    | 'CPU µs/op'
    | 'CPU µs/request'
    | 'CPU ms/s'
    | 'transactions'
    | 'transactions/s'
    | 'of allowed'
    | 'ms'
    | 'KB'
  readonly ours: readonly Run[]
  readonly baseline: readonly Run[]
  readonly baselineName: string
  /** Undefined where nothing is to be judged. */
  readonly limit: Limit | undefined
  readonly notes: readonly string[]
  /** Long text that is shown on request, such as plans. */
  readonly details?: string
}

/** What was meant to be measured was not: an operation is missing, or came twice. The numbers say nothing. */
export class VoidRunError extends Error {
  override readonly name = 'VoidRunError'
}

/** What the numbers of a row amount to. */
export type Judgement = {
  readonly ours: Summary
  readonly baseline: Summary
  readonly ratio: number
  readonly verdict: Verdict
}
type Summary = { readonly median: number; readonly spread: number; readonly cpuMicros: CpuMicros }
type Verdict = { readonly kind: 'holds' | 'fails' } | { readonly kind: 'none'; readonly reason: string }

/** A baseline that varies more than this says too little to be judged by. */
const maxSpread = 0.25
/** Two runs have a spread, but not one that means anything. */
const fewestRounds = 3

export function judge(row: Row): Judgement {
  const [ours, baseline] = [summarize(row.ours), summarize(row.baseline)]
  const ratio = ours.median / baseline.median
  return { ours, baseline, ratio, verdict: verdictOf(row, baseline, ratio) }
}

function verdictOf({ limit, baseline: { length } }: Row, baseline: Summary, ratio: number): Verdict {
  if (!Number.isFinite(ratio)) return { kind: 'none', reason: 'no verdict: nothing was measured' }
  if (limit === undefined) return { kind: 'none', reason: 'no verdict: small sizes' }
  if (length < fewestRounds) return { kind: 'none', reason: `no verdict: fewer than ${fewestRounds} rounds` }
  if (baseline.spread > maxSpread) return { kind: 'none', reason: 'no verdict: baseline spread over 25 %' }
  const holds = 'atLeast' in limit ? ratio >= limit.atLeast : ratio <= limit.atMost
  return { kind: holds ? 'holds' : 'fails' }
}

/** Whether the row is a reason to fail. */
export const failsGate = (row: Row): boolean => row.limit?.kind === 'gate' && judge(row).verdict.kind === 'fails'

function summarize(runs: readonly Run[]): Summary {
  const values = runs.map((run) => run.value)
  const cpuMicros: Partial<Record<(typeof processNames)[number], number>> = {}
  for (const name of processNames) {
    const spent = runs.flatMap((run) => run.cpuMicros[name] ?? [])
    if (spent.length > 0) cpuMicros[name] = median(spent)
  }
  return { median: median(values), spread: spread(values), cpuMicros }
}
