import { useEffect, useMemo, useRef, useState } from 'react'
import { useClient } from 'urql'
import type { JobDeviceFragment, JobNowFragment, JobTargets } from '../../../generated/console/graphql.ts'
import { type Pages, usePages } from '../../hub/pages.ts'
import { createSight, type Sight } from '../../ui/visible-rows.ts'
import { JobDevicesAgainDocument, JobDevicesDocument } from './documents.ts'
import { type Filters, variablesOf } from './filters.ts'
import { idsToReadAgain, type Known, moreRows, newsOf, replaceRows } from './merge-updates.ts'
import { throttle } from './throttle.ts'

/** Rows per page. */
const pageSize = 100
/** Minimum milliseconds between two reads of the rows in view, however fast the job is. */
const pace = 1_000

/** The device jobs of a job that match the filters; those in view are kept up to date. */
export type DeviceRows = {
  readonly pages: Pages<JobDeviceFragment>
  readonly sight: Sight
  /** How many device jobs have ended, or joined the job, since the list was read. They are missing from the list or not in their place. */
  readonly more: number
}

/**
 * Reads the device jobs page by page. After changes of the job, it reads those in view again by their ids, with at most
 * one request per second, so that a job of a million devices costs no more than one of a hundred. `deviceJobEnded`
 * would first repeat all device jobs that ended before, and would not report calls.
 */
export function useDevices(
  { jobId, targets }: { readonly jobId: string; readonly targets: JobTargets },
  filters: Filters,
  now: JobNowFragment,
): DeviceRows {
  const client = useClient()
  const { filter, orderBy } = variablesOf(filters)
  const pages = usePages(
    JobDevicesDocument,
    { jobId, filter, orderBy, first: pageSize },
    {
      read: ({ job }) => job?.deviceJobs,
      keyOf: ({ id }) => id,
      // Before the devices are selected, there is nothing to read. Their selection triggers the first read.
      pause: now.selectedTime === null || now.deviceJobStatistics?.deviceCount === 0,
    },
  )

  const of = JSON.stringify({ filter, orderBy })
  const news = newsOf(filters, targets)
  const [read, setRead] = useState<{ readonly of: string } & Known>()
  const [counted, setCounted] = useState<number>()
  const wasLoading = useRef(false)
  // The counters when the first page arrived. Device jobs that have ended since are missing from the list or not in their
  // place.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the counters of that moment, not of later ones.
  useEffect(() => {
    const { loading, rows, totalCount } = pages
    if (wasLoading.current && !loading && rows.length <= pageSize && totalCount !== undefined) {
      setRead({ of, totalCount, statistics: now.deviceJobStatistics })
      setCounted(undefined)
    }
    wasLoading.current = loading
  }, [pages.loading, pages.totalCount, of])

  const latest = useRef({ pages, filter, isCounted: news === 'count', jobId, of })
  useEffect(() => {
    latest.current = { pages, filter, isCounted: news === 'count', jobId, of }
  })
  const { sight, again } = useMemo(() => {
    const again = throttle(async () => {
      const { pages, filter, isCounted, jobId, of } = latest.current
      const ids = idsToReadAgain(pages.rows, inSight)
      if (ids.length === 0 && !isCounted) return
      const { data } = await client
        .query(JobDevicesAgainDocument, { ids, jobId, filter, counted: isCounted }, { requestPolicy: 'network-only' })
        .toPromise()
      if (!data?.nodes) return
      const rows = data.nodes.flatMap((node) => (node?.__typename === 'DeviceJob' ? [node] : []))
      pages.update((known) => replaceRows(known, rows))
      // An answer for other filters is ignored.
      if (data.job && of === latest.current.of) setCounted(data.job.deviceJobs?.totalCount ?? undefined)
    }, pace)
    const inSight = createSight(again.wake)
    return { sight: inSight, again }
  }, [client])
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change of the job may have changed rows.
  useEffect(() => again.wake(), [again, now])
  useEffect(() => again.stop, [again])

  const known = read?.of === of ? read : undefined
  const { deviceJobStatistics: statistics } = now
  return {
    pages,
    sight,
    more: known === undefined ? 0 : moreRows(news, known, { totalCount: counted, statistics }),
  }
}
