import type { JobStatus } from '../../../generated/console/graphql.ts'

/** The fields of a row that determine its place in the list. */
type Placed = { readonly id: string; readonly jobId: string; readonly createdTime: string; readonly status: JobStatus }

/** The rows with their latest known states; the same array when nothing is new. Rows keep their places. */
export function updateRows<Row extends Placed>(rows: readonly Row[], updates: readonly Row[]): readonly Row[] {
  const latest = new Map(updates.map((job) => [job.id, job]))
  return rows.some(({ id }) => latest.has(id)) ? rows.map((row) => latest.get(row.id) ?? row) : rows
}

/**
 * The jobs among `updates` that belong in the list and are not in it. While the list has more pages, jobs after its
 * last row are left out, because they will be read with their page.
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

/**
 * The rows with new ones inserted in their places, the latest first. A job that is already in the list appears once, in
 * its new state.
 */
export function insertRows<Row extends Placed>(rows: readonly Row[], arrivals: readonly Row[]): readonly Row[] {
  if (arrivals.length === 0) return rows
  const latest = new Map([...rows, ...arrivals].map((row) => [row.id, row]))
  return [...latest.values()].sort(byTime)
}

/** The order of the list: the latest first. Jobs of the same moment are ordered by ID. */
function byTime(a: Placed, b: Placed): number {
  return compare(b.createdTime, a.createdTime) || compare(b.jobId, a.jobId)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
