import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { useEffect, useRef, useState } from 'react'
import type { Pages } from '../hub/pages.ts'
import { createRollCall } from '../hub/roll-call.ts'
import { type LiveError, useLiveEvents } from '../hub/use-subscription.ts'
import { mergeReport } from './merge.ts'

/** A list that follows the hub. */
export type FollowedPages<Row> = Pages<Row> & {
  /** Why it is no longer followed. */
  readonly liveError: LiveError | undefined
  readonly retryLive: () => void
}

/**
 * Follows the rows of a list of definitions by a subscription of their kind: rows appear, change and go as it reports. `read` finds the rows of
 * the list in an event.
 */
export function useFollowedList<Data, Row extends { readonly id: string }>(
  list: Pages<Row>,
  document: TypedDocumentNode<Data, Record<string, never>>,
  {
    read,
    nameOf,
  }: {
    readonly read: (data: Data) => {
      readonly rows: readonly Row[]
      readonly deletedIds: readonly string[]
      readonly initial: boolean
    }
    /** By which the list is ordered. */
    readonly nameOf: (row: Row) => string
  },
): FollowedPages<Row> {
  const [isRead, setRead] = useState(false)
  const { loading } = list
  useEffect(() => {
    if (!loading) setRead(true)
  }, [loading])
  const latest = useRef(list)
  useEffect(() => {
    latest.current = list
  })
  const [callRoll] = useState(createRollCall)
  const live = useLiveEvents(
    document,
    {},
    (events) => {
      const { rows, hasMore, update } = latest.current
      const followed = rows.map(({ id }) => id)
      const report = { changed: new Map<string, Row>(), gone: new Set<string>() }
      for (const event of events) {
        const { rows, deletedIds, initial } = read(event)
        const ids = rows.map(({ id }) => id)
        for (const id of callRoll(followed, { initial, ids, deleted: deletedIds })) {
          report.changed.delete(id)
          report.gone.add(id)
        }
        for (const row of rows) {
          report.gone.delete(row.id)
          report.changed.set(row.id, row)
        }
      }
      const changed = [...report.changed.values()]
      update((present) => mergeReport(present, { changed, gone: [...report.gone] }, { nameOf, hasMore }))
    },
    // Before there are rows, there is nothing to update.
    { pause: !isRead },
  )
  return { ...list, liveError: live.error, retryLive: live.retry }
}
