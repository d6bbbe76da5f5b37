import type { JobDeviceFragment, JobTargets } from '../../../generated/console/graphql.ts'
import { endedOf, type Statistics } from '../../ui/statistics.ts'
import type { Filters } from './filters.ts'

/** Whether a device job may still change. */
export function isOpen({ status }: Pick<JobDeviceFragment, 'status'>): boolean {
  return status === 'PENDING' || status === 'RETRYING' || status === 'RUNNING'
}

/** The maximum number of rows that the hub returns by ids at once. */
const mostAtOnce = 100

/** The ids of the rows in view that may have changed. */
export function idsToReadAgain(
  rows: readonly JobDeviceFragment[],
  inSight: { has(id: string): boolean },
): readonly string[] {
  return rows
    .filter((row) => isOpen(row) && inSight.has(row.id))
    .slice(0, mostAtOnce)
    .map(({ id }) => id)
}

/**
 * The rows, updated from the rows that were read again. Each stays in its place even if the filter no longer matches
 * it, so that no row moves. Returns the same list when nothing has changed. A device job that has ended stays ended,
 * even if an older answer arrives late.
 */
export function replaceRows(
  rows: readonly JobDeviceFragment[],
  again: readonly JobDeviceFragment[],
): readonly JobDeviceFragment[] {
  const changed = new Map(again.map((row) => [row.id, row]))
  let isSame = true
  const replaced = rows.map((row) => {
    const next = changed.get(row.id)
    // A call that is repeated has another start, and may have the same status again.
    const isSameState = next?.status === row.status && next.startTime === row.startTime
    if (next === undefined || isSameState || !isOpen(row)) return row
    isSame = false
    return next
  })
  return isSame ? rows : replaced
}

/** How missing rows are noticed: by counting again, by the number of ended or of all device jobs, or not at all. */
export type News = 'count' | 'ends' | 'joins' | 'none'

/**
 * How missing rows are noticed. Ordered by device, without a filter, all rows are there from the start, except for devices that
 * join a continuous job. A condition over twins costs too much to count again and again.
 */
export function newsOf({ result, errorCode, responseStatus, condition, sort }: Filters, targets: JobTargets): News {
  if (condition !== '') return 'none'
  if (errorCode.length + responseStatus.length > 0) return 'count'
  if (result.length > 0) return result.some((one) => one === 'PENDING' || one === 'RUNNING') ? 'none' : 'count'
  if (sort.key !== 'device') return 'ends'
  return targets === 'CONTINUOUS' ? 'joins' : 'none'
}

/** The number of rows of a list and the counters of the job at the time when the first page was read. */
export type Known = { readonly totalCount: number; readonly statistics: Statistics | null }

/** How many device jobs have ended or joined since `read`. `totalCount` is undefined when the rows were not counted again. */
export function moreRows(
  news: News,
  read: Known,
  now: { readonly totalCount: number | undefined; readonly statistics: Statistics | null },
): number {
  switch (news) {
    case 'count':
      return Math.max(0, (now.totalCount ?? read.totalCount) - read.totalCount)
    case 'ends':
      if (now.statistics === null || read.statistics === null) return 0
      return Math.max(0, endedOf(now.statistics) - endedOf(read.statistics))
    case 'joins':
      return Math.max(0, (now.statistics?.deviceCount ?? read.totalCount) - read.totalCount)
    case 'none':
      return 0
  }
}
