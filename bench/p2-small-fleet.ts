import type { Bench } from './benchmark.ts'
import { comparePipeline } from './p1-pipeline.ts'
import type { Row } from './row.ts'

const full = { devices: 1_000, jobs: 100 }
const quickSizes = { devices: 100, jobs: 10 }

/** P2: P1 with fewer devices, which bare round trips reach faster: there are fewer sockets. */
export const smallFleet = (bench: Bench): Promise<Row[]> =>
  comparePipeline(bench, { name: 'P2', ...(bench.quick ? quickSizes : full), limit: { kind: 'goal', atLeast: 0.5 } })
