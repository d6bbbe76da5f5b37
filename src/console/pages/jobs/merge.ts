import type { JobOutcome, JobStatus } from '../../../generated/console/graphql.ts'
import { type JobState, newerOf } from '../../newer-job.ts'
import type { Placed } from './order.ts'

/** The fields of a row that determine its place in the list, and which of two states is newer. */
type Listed = JobState &
  Placed & { readonly id: string; readonly status: JobStatus; readonly outcome: JobOutcome | null }

/** Compares the places of two rows. */
type Order = (a: Placed, b: Placed) => number

/** The rows with their latest known states; the same array when nothing is new. Rows keep their places. */
export function updateRows<Row extends Listed>(rows: readonly Row[], updates: readonly Row[]): readonly Row[] {
  const latest = latestOf(updates)
  if (!rows.some(({ id }) => latest.has(id))) return rows
  return rows.map((row) => newerOf(row, latest.get(row.id) ?? row))
}

/** The newest state of each job. */
function latestOf<Row extends Listed>(jobs: Iterable<Row>): Map<string, Row> {
  const latest = new Map<string, Row>()
  for (const job of jobs) latest.set(job.id, newerOf(latest.get(job.id), job))
  return latest
}

/** The most jobs that the hub returns at once by their IDs. */
const mostAtOnce = 100

/** The IDs of the jobs that may still change, in groups of as many as the hub returns at once. */
export function idsToReadAgain(jobs: readonly Listed[]): readonly (readonly string[])[] {
  const ids = jobs.filter(({ endTime }) => endTime === null).map(({ id }) => id)
  return Array.from({ length: Math.ceil(ids.length / mostAtOnce) }, (_, index) =>
    ids.slice(index * mostAtOnce, (index + 1) * mostAtOnce),
  )
}

/**
 * The jobs among `updates` that belong in the list and are not in it. While the list has more pages, jobs after its
 * last row are left out, because they will be read with their page.
 */
export function findArrivals<Row extends Listed>(
  rows: readonly Row[],
  updates: readonly Row[],
  {
    status,
    outcome,
    order,
    hasMore,
  }: {
    readonly status: readonly JobStatus[]
    readonly outcome: readonly JobOutcome[]
    readonly order: Order
    readonly hasMore: boolean
  },
): readonly Row[] {
  const present = new Set(rows.map(({ id }) => id))
  const latest = latestOf(updates)
  const last = hasMore ? rows.at(-1) : undefined
  return [...latest.values()].filter(
    (job) =>
      !present.has(job.id) &&
      (status.length === 0 || status.includes(job.status)) &&
      (outcome.length === 0 || (job.outcome !== null && outcome.includes(job.outcome))) &&
      (last === undefined || order(job, last) < 0),
  )
}

/**
 * The rows with new ones inserted, in order. A job that is already in the list appears once, in its new state. Rows that
 * are not new stay where they are, even if they have changed their place in the order.
 */
export function insertRows<Row extends Listed>(
  rows: readonly Row[],
  arrivals: readonly Row[],
  order: Order,
): readonly Row[] {
  if (arrivals.length === 0) return rows
  const present = new Set(rows.map(({ id }) => id))
  const inserted = [...updateRows(rows, arrivals)]
  const fresh = [...latestOf(arrivals).values()].filter(({ id }) => !present.has(id)).sort(order)
  for (const row of fresh.reverse()) {
    const before = inserted.findLastIndex((known) => order(known, row) < 0)
    inserted.splice(before + 1, 0, row)
  }
  return inserted
}
