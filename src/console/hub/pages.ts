import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useNavigationType } from 'react-router'
import { type Client, type CombinedError, useClient } from 'urql'
import { refreshRows, withoutDoubles } from './rows.ts'
import { useRetryWhenBack } from './use-retry-when-back.ts'

/** A connection of the schema, as far as paging needs it. */
export type Connection<Row> = {
  readonly nodes: readonly Row[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor?: string | null }
  /** Null when the hub could not count them. */
  readonly totalCount?: number | null
}

/** The rows of a list that have been read. */
export type Pages<Row> = {
  readonly rows: readonly Row[]
  /**
   * The total when the first page was read, plus the rows that `update` added; undefined if the document does not
   * request it.
   */
  readonly totalCount: number | undefined
  readonly hasMore: boolean
  /** Whether a page is being read. */
  readonly loading: boolean
  /** Why the last page could not be read. */
  readonly error: CombinedError | undefined
  /** Reads the next page, unless one is being read or there is none. */
  readonly loadMore: () => void
  /** Reads the first page again and drops the rest; what is shown stays until it is there. */
  readonly reload: () => void
  /** Changes the rows read so far, with the events of a subscription. */
  readonly update: (change: (rows: readonly Row[]) => readonly Row[]) => void
}

type State<Row> = {
  /** The variables that the state belongs to. */
  readonly of: string
  readonly rows: readonly Row[]
  readonly totalCount: number | undefined
  readonly endCursor: string | null
  readonly hasMore: boolean
  readonly error: CombinedError | undefined
}

/** The rows of a list that was left, to restore it on return. A page keeps one outside its component. */
export type KeptRows<Row> = { of?: { readonly client: Client; readonly state: State<Row> } }

/** The most rows that are read again on return to a list. */
const mostReadAgain = 500

/**
 * Reads a connection page by page. `variables` are compared by value: others begin the list anew. `read` finds the
 * connection in an answer; null where there is none. `keyOf` identifies a row: one that came twice is shown once. With
 * `keep` a list to which the browser's Back or Forward leads has the rows it had, at their places, and reads them again;
 * rows that have come in since are left to a subscription or to `reload`.
 */
export function usePages<Data, Variables extends { readonly after?: string | null; readonly first: number }, Row>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  {
    read,
    keyOf,
    pause = false,
    keep,
  }: {
    readonly read: (data: Data) => Connection<Row> | null | undefined
    readonly keyOf: (row: Row) => string
    readonly pause?: boolean
    readonly keep?: KeptRows<Row>
  },
): Pages<Row> {
  const client = useClient()
  const of = JSON.stringify(variables)
  const comesBack = useNavigationType() === 'POP'
  const [state, setState] = useState(() => (comesBack && keep?.of?.client === client ? keep.of.state : undefined))
  const [loading, setLoading] = useState(true)
  const [round, setRound] = useState(0)
  const latest = useRef({ read, keyOf, state })
  const busy = useRef<symbol>(undefined)
  useEffect(() => {
    latest.current = { read, keyOf, state }
    if (keep !== undefined && state !== undefined) keep.of = { client, state }
  })

  /**
   * Reads one page after `start`. Without a start, reads pages from the beginning until there are as many rows as
   * wanted.
   */
  const readRows = useCallback(
    async (start: State<Row> | undefined, wanted: number) => {
      const isAgain = wanted > 0
      const mine = Symbol('a reading')
      busy.current = mine
      setLoading(true)
      let rowsRead: State<Row> | undefined
      do {
        const before: State<Row> | undefined = rowsRead ?? start
        const page: Variables = { ...JSON.parse(of), ...(before === undefined ? {} : { after: before.endCursor }) }
        const { data, error } = await client.query(document, page, { requestPolicy: 'network-only' }).toPromise()
        if (busy.current !== mine) return
        const connection = data ? latest.current.read(data) : undefined
        if (connection === undefined || connection === null) {
          busy.current = undefined
          setLoading(false)
          setState((known) => ({ ...(known?.of === of ? known : emptyState<Row>(of)), error }))
          return
        }
        rowsRead = {
          of,
          rows: withoutDoubles([...(rowsRead?.rows ?? []), ...connection.nodes], latest.current.keyOf),
          totalCount: before === undefined ? (connection.totalCount ?? undefined) : before.totalCount,
          endCursor: connection.pageInfo.endCursor ?? null,
          hasMore: connection.pageInfo.hasNextPage,
          error,
        }
      } while (rowsRead.hasMore && rowsRead.rows.length < wanted)
      const read = rowsRead
      busy.current = undefined
      setLoading(false)
      setState((known) => {
        if (known?.of !== of) return read
        const { keyOf } = latest.current
        if (start === undefined) {
          if (!isAgain) return read
          const { rows, others } = refreshRows(known.rows, read.rows, keyOf)
          const totalCount = read.totalCount === undefined ? undefined : read.totalCount - others
          return { ...known, rows, totalCount, error: undefined }
        }
        // Events about the previous rows are newer than the data that was read, and may have removed some of them.
        return { ...read, rows: withoutDoubles([...known.rows, ...read.rows], keyOf), totalCount: known.totalCount }
      })
    },
    [client, document, of],
  )

  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` is what `reload` changes.
  useEffect(() => {
    if (pause) return
    const { state } = latest.current
    void readRows(undefined, round === 0 && state?.of === of ? Math.min(state.rows.length, mostReadAgain) : 0)
    return () => {
      busy.current = undefined
    }
  }, [readRows, pause, round])

  const own = state?.of === of ? state : undefined
  const reload = (): void => setRound(round + 1)
  const loadMore = (): void => {
    if (busy.current === undefined && own?.hasMore) void readRows(own, 0)
  }
  useRetryWhenBack(own?.error, own?.hasMore ? loadMore : reload)
  return {
    rows: own?.rows ?? [],
    totalCount: own?.totalCount,
    hasMore: own?.hasMore ?? false,
    loading: !pause && (loading || own === undefined),
    error: own?.error,
    loadMore,
    reload,
    update: useCallback(
      (change) =>
        setState((known) => {
          if (known?.of !== of) return known
          const rows = change(known.rows)
          if (rows === known.rows) return known
          const more = rows.length - known.rows.length
          return { ...known, rows, totalCount: known.totalCount === undefined ? undefined : known.totalCount + more }
        }),
      [of],
    ),
  }
}

function emptyState<Row>(of: string): State<Row> {
  return { of, rows: [], totalCount: undefined, endCursor: null, hasMore: false, error: undefined }
}
