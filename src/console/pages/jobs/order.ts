import type { JobOrder, JobOrderField } from '../../../generated/console/graphql.ts'
import type { Sort } from '../../ui/sort.ts'

/** What the hub can order jobs by. */
export type SortKey = 'created' | 'end' | 'id'

const fields: Readonly<Record<SortKey, JobOrderField>> = { created: 'CREATED_TIME', end: 'END_TIME', id: 'JOB_ID' }

/** The keys, which are in the address. */
export const sortKeys = ['created', 'end', 'id'] as const satisfies readonly SortKey[]

/** The default: the latest first. */
export const newestFirst: Sort<SortKey> = { key: 'created', direction: 'DESC' }

/** The order of the query. */
export function toJobOrder({ key, direction }: Sort<SortKey>): JobOrder {
  return { field: fields[key], direction }
}

/** The fields of a job that determine its place. */
export type Placed = { readonly jobId: string; readonly createdTime: string; readonly endTime: string | null }

/**
 * Compares the places of two jobs as the hub does. Jobs of the same moment are ordered by ID, and a job that has not
 * ended as if it ended after all others.
 */
export function comparePlaces({ key, direction }: Sort<SortKey>): (a: Placed, b: Placed) => number {
  const times: Readonly<Record<SortKey, (job: Placed) => string>> = {
    created: ({ createdTime }) => createdTime,
    // Comes after all digits.
    end: ({ endTime }) => endTime ?? '~',
    id: () => '',
  }
  const time = times[key]
  const sign = direction === 'ASC' ? 1 : -1
  return (a, b) => sign * (compare(time(a), time(b)) || compare(a.jobId, b.jobId))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** How many rows have to move to be in order: the fewest, so that one row that has changed its place counts once. */
export function countMisplaced<Row>(rows: readonly Row[], compare: (a: Row, b: Row) => number): number {
  // `ends[n]` is the row with the earliest place at which n + 1 rows that are in order can end.
  const ends: Row[] = []
  for (const row of rows) {
    let [from, to] = [0, ends.length]
    while (from < to) {
      const middle = (from + to) >> 1
      const end = ends[middle]
      if (end !== undefined && compare(end, row) <= 0) from = middle + 1
      else to = middle
    }
    ends[from] = row
  }
  return rows.length - ends.length
}
