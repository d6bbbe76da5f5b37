/** One measured run: operations a second, and CPU microseconds an operation of each process. */
export type Run = {
  readonly perSecond: number
  readonly cpuMicros: Readonly<Record<string, number>>
}

/** A row of the table: ours beside its baseline, the rounds interleaved. */
export type Row = {
  readonly name: string
  readonly what: string
  readonly ours: readonly Run[]
  readonly baseline: readonly Run[]
  readonly baselineName: string
  /** What the ratio must be: at least or at most. */
  readonly gate: { readonly atLeast: number } | { readonly atMost: number } | undefined
  /** Where smaller is better (CPU a device): the ratio is taken of this instead of the rate. */
  readonly ratioOf?: (run: Run) => number
  readonly note?: string
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** (max − min) ÷ median. Above a quarter a baseline says too little to be judged by. */
export const spread = (values: readonly number[]): number =>
  (Math.max(...values) - Math.min(...values)) / median(values)

/** Runs `ours` and `baseline` in turn, so that what else the machine does falls on both. */
export async function interleave(
  rounds: number,
  ours: () => Promise<Run>,
  baseline: () => Promise<Run>,
): Promise<{ ours: Run[]; baseline: Run[] }> {
  const runs = { ours: [] as Run[], baseline: [] as Run[] }
  for (let round = 0; round < rounds; round++) {
    runs.baseline.push(await baseline())
    runs.ours.push(await ours())
  }
  return runs
}

/** Microseconds of CPU that this process spends on `work`, and the seconds it takes. */
export async function timed(work: () => Promise<void>): Promise<{ seconds: number; cpuMicros: number }> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - start) / 1000, cpuMicros: user + system }
}
