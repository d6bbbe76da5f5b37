import { useCallback, useEffect, useMemo, useState } from 'react'
import type { JobsRowFragment as Row } from '../../../generated/console/graphql.ts'
import { type KeptRows, usePages } from '../../hub/pages.ts'
import { useLiveEvents } from '../../hub/use-subscription.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { useHoverOrFocus } from '../../ui/hover-or-focus.ts'
import { JobsListDocument, JobsUpdatedDocument } from './documents.ts'
import { type ListFilter, toJobFilter, toUpdateFilter } from './filter.ts'
import { findArrivals, insertRows, updateRows } from './merge.ts'

/** How many changed jobs are kept to find new ones among them. */
const mostKept = 500

const none: readonly Row[] = []

/** The list as it was left. */
const keep: KeptRows<Row> = {}

/** Identifies a job. */
export const idOf = ({ id }: Row): string => id

/** The jobs that the page shows, and the actions on the list. */
export type JobList = ReturnType<typeof useJobList>

/**
 * The list, updated live. Rows change in place. New jobs are inserted at the top only while the page is not scrolled
 * and neither the pointer nor the focus is in the list. Otherwise they are counted.
 */
export function useJobList(filter: ListFilter) {
  const announce = useAnnounce()
  const pages = usePages(
    JobsListDocument,
    { filter: toJobFilter(filter), first: 50 },
    { read: ({ jobs }) => jobs, keyOf: idOf, keep },
  )
  const { update } = pages
  const of = JSON.stringify(filter)
  const [waiting, setWaiting] = useState<{ readonly of: string; readonly jobs: readonly Row[] }>({ of, jobs: [] })
  const { held, props: holdProps } = useHoverOrFocus()
  const scrolled = useScrolled()

  const live = useLiveEvents(JobsUpdatedDocument, { filter: toUpdateFilter(filter) }, (events) => {
    const jobs = events.map(({ jobUpdated }) => jobUpdated)
    update((present) => updateRows(present, jobs))
    setWaiting((known) => ({ of, jobs: insertRows(known.of === of ? known.jobs : [], jobs).slice(0, mostKept) }))
  })

  const told = waiting.of === of ? waiting.jobs : none
  // An event takes precedence over a row that was read. If the event is older, another one follows.
  const rows = useMemo(() => updateRows(pages.rows, told), [pages.rows, told])
  const unread = pages.loading && rows.length === 0
  const { hasMore } = pages
  const arrivals = useMemo(
    () => (unread ? none : findArrivals(rows, told, { status: filter.status, hasMore })),
    [unread, rows, told, filter.status, hasMore],
  )
  const apply = useCallback(() => {
    update((present) => insertRows(present, arrivals))
  }, [update, arrivals])
  useEffect(() => {
    if (arrivals.length > 0 && !held && !scrolled) apply()
  }, [arrivals, held, scrolled, apply])

  return {
    ...pages,
    rows,
    arrivals: arrivals.length,
    showArrivals: () => {
      apply()
      window.scrollTo({ top: 0 })
      // The button has disappeared, and the focus with it.
      document.querySelector('h1')?.focus({ preventScroll: true })
      announce(`${arrivals.length} new ${arrivals.length === 1 ? 'job' : 'jobs'} shown.`)
    },
    holdProps,
    liveError: live.error,
    retryLive: live.retry,
  }
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
