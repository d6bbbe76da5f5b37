import type { ReactNode } from 'react'
import type { FollowedPages } from '../definition/use-followed-list.ts'
import type { Pages } from '../hub/pages.ts'
import { describeError } from '../ui/describe-error.ts'
import { NotLive } from '../ui/not-live.tsx'
import { ErrorState, LoadingState } from '../ui/states.tsx'
import { type Column, VirtualTable } from '../ui/virtual-table.tsx'

type Props<Row> = {
  /** What the rows are, in the plural, such as `webhooks`. */
  readonly name: string
  readonly list: Pages<Row> | FollowedPages<Row>
  readonly columns: readonly Column<Row>[]
  readonly empty: ReactNode
}

/** The rows of a list without filters, as they are read; `empty` is shown when there are none. */
export function SimpleList<Row extends { readonly id: string }>(props: Props<Row>) {
  const { list } = props
  return (
    <>
      {'liveError' in list && list.liveError !== undefined && (
        <NotLive what="The list" message={list.liveError.message} onRetry={list.retryLive} />
      )}
      <Rows {...props} />
    </>
  )
}

function Rows<Row extends { readonly id: string }>({
  name,
  list: { rows, error, loading, reload, loadMore },
  columns,
  empty,
}: Props<Row>) {
  if (error !== undefined && rows.length === 0) {
    return <ErrorState title={`Cannot load ${name}`} message={describeError(error).message} onRetry={reload} />
  }
  if (rows.length === 0 && loading) return <LoadingState label={`Loading ${name}`} />
  if (rows.length === 0) return empty
  return (
    <VirtualTable
      label={`${name.charAt(0).toUpperCase()}${name.slice(1)}`}
      columns={columns}
      rows={rows}
      keyOf={({ id }) => id}
      onEnd={error === undefined ? loadMore : undefined}
      footer={error && <p role="alert">{describeError(error).message}</p>}
    />
  )
}
