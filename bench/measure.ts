import { figure } from './report.ts'
import type { CpuMicros, processNames, Row, Run } from './row.ts'

/** What every row's measurement is told. */
export type Conduct = {
  /** Small sizes, to see that it works: nothing is judged by them. */
  readonly quick: boolean
  readonly rounds: number
  readonly signal: AbortSignal
  /** Tells who waits how far it is. */
  say(line: string): void
}

/** Two things to be compared: a row without its runs. */
export type Comparison = Omit<Row, 'ours' | 'baseline' | 'notes'> &
  Partial<Pick<Row, 'notes'>> & { ours(): Promise<Run>; baseline(): Promise<Run> }

/**
 * Runs the baseline and ours in turn, so that what else the machine does falls on both. A first run of each is not
 * counted: caches, the compiler of this process and prepared statements are cold in it.
 */
export async function compare({ quick, rounds, signal, say }: Conduct, comparison: Comparison): Promise<Row> {
  const runs = { baseline: [] as Run[], ours: [] as Run[] }
  for (let round = 0; round <= rounds; round++) {
    for (const side of ['baseline', 'ours'] as const) {
      signal.throwIfAborted()
      const run = await comparison[side]()
      if (round > 0) runs[side].push(run)
      const where = round === 0 ? 'warm-up' : `round ${round} of ${rounds}`
      say(`${comparison.name}, ${where}, ${side}: ${figure(run.value)} ${comparison.unit}`)
    }
  }
  return { notes: [], ...comparison, ...runs, limit: quick ? undefined : comparison.limit }
}

/** Reads how many microseconds of CPU a process has used so far. */
export type Meter = () => number | Promise<number>
/** This process, `hub`, comes first. */
export type Meters = Readonly<Partial<Record<(typeof processNames)[number], Meter>>>

/** Does the work and answers how long it took, and the CPU time of it by operation. */
export async function measure(
  meters: Meters,
  operations: number,
  work: () => Promise<unknown>,
): Promise<{ readonly seconds: number; readonly cpuMicros: CpuMicros }> {
  const readings = Object.entries(meters)
  // The last to be read before is the first after, so that this process, which comes first, does not count the reading.
  const before = await readAll(readings.toReversed())
  const start = performance.now()
  await work()
  const seconds = (performance.now() - start) / 1000
  const after = await readAll(readings)
  const spent = Object.entries(after).map(([name, micros]) => [name, (micros - (before[name] ?? 0)) / operations])
  return { seconds, cpuMicros: Object.fromEntries(spent) }
}

async function readAll(meters: readonly (readonly [string, Meter])[]): Promise<Record<string, number>> {
  const readings: Record<string, number> = {}
  for (const [name, read] of meters) readings[name] = await read()
  return readings
}

/** The mean CPU time of some runs of the hub, with PostgreSQL. */
export async function meanCpu(repeats: number, run: () => Promise<CpuMicros>): Promise<Run> {
  let [hub, database] = [0, 0]
  for (let count = 0; count < repeats; count++) {
    const cpuMicros = await run()
    hub += (cpuMicros.hub ?? Number.NaN) / repeats
    database += (cpuMicros.database ?? Number.NaN) / repeats
  }
  return { value: hub + database, cpuMicros: { hub, database } }
}
