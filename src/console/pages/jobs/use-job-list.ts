import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useClient } from 'urql'
import type { JobsRowFragment as Row } from '../../../generated/console/graphql.ts'
import { type KeptRows, usePages } from '../../hub/pages.ts'
import { useLiveEvents } from '../../hub/use-subscription.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { useHoverOrFocus } from '../../ui/hover-or-focus.ts'
import { isSame, type Sort } from '../../ui/sort.ts'
import { JobsAgainDocument, JobsListDocument, JobsUpdatedDocument } from './documents.ts'
import { type ListFilter, toJobFilter, toUpdateFilter } from './filter.ts'
import { findArrivals, idsToReadAgain, insertRows, updateRows } from './merge.ts'
import { comparePlaces, countMisplaced, newestFirst, type SortKey, toJobOrder } from './order.ts'

/** How many changed jobs are kept to find new ones among them. */
const mostKept = 500

const none: readonly Row[] = []

const byCreation = comparePlaces(newestFirst)

/** The list as it was left. */
const keep: KeptRows<Row> = {}

/** Identifies a job. */
export const idOf = ({ id }: Row): string => id

/** The jobs that the page shows, and the actions on the list. */
export type JobList = ReturnType<typeof useJobList>

/**
 * The list, updated live. Rows change in place, also if they change their place in the order; these are counted. New
 * jobs are inserted in their places only while the page is not scrolled and neither the pointer nor the focus is in the
 * list. Otherwise they are counted, too.
 */
export function useJobList(filter: ListFilter, sort: Sort<SortKey>) {
  const announce = useAnnounce()
  const pages = usePages(
    JobsListDocument,
    { filter: toJobFilter(filter), orderBy: toJobOrder(sort), first: 50 },
    { read: ({ jobs }) => jobs, keyOf: idOf, keep },
  )
  const { update } = pages
  const of = JSON.stringify(filter)
  const [waiting, setWaiting] = useState<{ readonly of: string; readonly jobs: readonly Row[] }>({ of, jobs: [] })
  const { held, props: holdProps } = useHoverOrFocus()
  const scrolled = useScrolled()

  const accept = useCallback(
    (jobs: readonly Row[]) => {
      update((present) => updateRows(present, jobs))
      setWaiting((known) => ({
        of,
        jobs: insertRows(known.of === of ? known.jobs : [], jobs, byCreation).slice(0, mostKept),
      }))
    },
    [update, of],
  )
  const [followed, setFollowed] = useState(0)
  const live = useLiveEvents(
    JobsUpdatedDocument,
    { filter: toUpdateFilter(filter) },
    (events) => accept(events.map(({ jobChanged }) => jobChanged.job)),
    { onFollowing: () => setFollowed((times) => times + 1) },
  )

  const reported = waiting.of === of ? waiting.jobs : none
  const rows = useMemo(() => updateRows(pages.rows, reported), [pages.rows, reported])
  const unread = pages.loading && rows.length === 0
  const { hasMore } = pages
  const order = useMemo(() => comparePlaces(sort), [sort])
  const { status, outcome } = filter
  const arrivals = useMemo(
    () => (unread ? none : findArrivals(rows, reported, { status, outcome, order, hasMore })),
    [unread, rows, reported, status, outcome, order, hasMore],
  )
  const misplaced = useMemo(() => countMisplaced(rows, order), [rows, order])
  useReadAgain(followed, { jobs: rows, isLoading: pages.loading, accept })

  const apply = useCallback(() => {
    update((present) => insertRows(present, arrivals, order))
  }, [update, arrivals, order])
  useEffect(() => {
    if (arrivals.length > 0 && !held && !scrolled) apply()
  }, [arrivals, held, scrolled, apply])

  return {
    ...pages,
    rows,
    arrivals: arrivals.length,
    /** How many rows have changed their place in the order since they were read. */
    misplaced,
    showArrivals: () => {
      apply()
      // In another order, they are anywhere.
      if (isSame(sort, newestFirst)) window.scrollTo({ top: 0 })
      // The button has disappeared, and the focus with it.
      document.querySelector('h1')?.focus({ preventScroll: true })
      announce(`${arrivals.length} new ${arrivals.length === 1 ? 'job' : 'jobs'} shown.`)
    },
    holdProps,
    liveError: live.error,
    retryLive: live.retry,
  }
}

/**
 * Reads open jobs again when the subscription has begun to follow them, at first and after each lost connection. It
 * begins with the newest jobs only, so it does not report that an older one has ended in the meantime.
 */
function useReadAgain(
  followed: number,
  {
    jobs,
    isLoading,
    accept,
  }: { readonly jobs: readonly Row[]; readonly isLoading: boolean; readonly accept: (jobs: readonly Row[]) => void },
): void {
  const client = useClient()
  const latest = useRef({ jobs, accept })
  useEffect(() => {
    latest.current = { jobs, accept }
  })
  const done = useRef(0)
  useEffect(() => {
    if (isLoading || done.current === followed) return
    done.current = followed
    const read = async (): Promise<void> => {
      const { jobs, accept } = latest.current
      for (const ids of idsToReadAgain(jobs)) {
        const { data } = await client.query(JobsAgainDocument, { ids }, { requestPolicy: 'network-only' }).toPromise()
        // Another `accept` belongs to another filter.
        if (!data?.nodes || latest.current.accept !== accept) return
        accept(data.nodes.flatMap((node) => (node?.__typename === 'Job' ? [node] : [])))
      }
    }
    void read()
  }, [followed, isLoading, client])
}

/** Whether the page is scrolled down. */
function useScrolled(): boolean {
  const [scrolled, setScrolled] = useState(false)
  useEffect(() => {
    const look = (): void => setScrolled(window.scrollY > 8)
    look()
    window.addEventListener('scroll', look, { passive: true })
    return () => window.removeEventListener('scroll', look)
  }, [])
  return scrolled
}
