import type { JobStatus } from '../../../generated/console/graphql.ts'

/** A row, as far as its place in the list goes. */
type Placed = { readonly id: string; readonly jobId: string; readonly createdTime: string; readonly status: JobStatus }

/** The rows with the latest that is known of each; the same array when that is nothing new. Rows keep their places. */
export function updateRows<Row extends Placed>(rows: readonly Row[], updates: readonly Row[]): readonly Row[] {
  const latest = new Map(updates.map((job) => [job.id, job]))
  return rows.some(({ id }) => latest.has(id)) ? rows.map((row) => latest.get(row.id) ?? row) : rows
}

/**
 * The jobs among `updates` that belong into the list and are not in it. Those that come after its last row are left
 * out while the list goes on: they come with their page.
 */
export function findArrivals<Row extends Placed>(
  rows: readonly Row[],
  updates: readonly Row[],
  { status, hasMore }: { readonly status: readonly JobStatus[]; readonly hasMore: boolean },
): readonly Row[] {
  const present = new Set(rows.map(({ id }) => id))
  const latest = new Map(updates.map((job) => [job.id, job]))
  const last = hasMore ? rows.at(-1) : undefined
  return [...latest.values()].filter(
    (job) =>
      !present.has(job.id) &&
      (status.length === 0 || status.includes(job.status)) &&
      (last === undefined || byTime(job, last) < 0),
  )
}

/** The rows with new ones at their places, the latest first. A job that is there already is shown once, as it is now. */
export function insertRows<Row extends Placed>(rows: readonly Row[], arrivals: readonly Row[]): readonly Row[] {
  if (arrivals.length === 0) return rows
  const latest = new Map([...rows, ...arrivals].map((row) => [row.id, row]))
  return [...latest.values()].sort(byTime)
}

/** The order of the list: the latest first, of one moment the name decides. */
function byTime(a: Placed, b: Placed): number {
  return compare(b.createdTime, a.createdTime) || compare(b.jobId, a.jobId)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
