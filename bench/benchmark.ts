import type { NumberedAttack } from './attacks.ts'
import type { BenchHub } from './hub.ts'
import type { Conduct } from './measure.ts'
import type { Row } from './row.ts'

/** What a benchmark is given: a hub with an empty database, which others will not use after it. */
export type Bench = BenchHub &
  Conduct & {
    readonly million: boolean
    /** The attacks that S8, S9 and S10 run. */
    readonly attacks: readonly NumberedAttack[]
  }

/** Prepares what it needs, measures, and answers one row or more. Rejects with the signal's reason when that aborts. */
export type Benchmark = (bench: Bench) => Promise<Row[]>
