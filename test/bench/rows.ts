import type { Row, Run } from '../../bench/row.ts'

/** Runs of these values, which say nothing of CPU time. */
export const runs = (...values: number[]): Run[] => values.map((value) => ({ value, cpuMicros: {} }))

/** A row whose ratio is a half and whose gate that passes, unless `change` says otherwise. */
export const rowWith = (change: Partial<Row> = {}): Row => ({
  name: 'P0',
  what: 'work',
  unit: 'op/s',
  ours: runs(50, 50, 50),
  baseline: runs(100, 100, 100),
  baselineName: 'idleness',
  limit: { kind: 'gate', atLeast: 0.5 },
  notes: [],
  ...change,
})
