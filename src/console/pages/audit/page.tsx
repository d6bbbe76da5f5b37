import { type ReactNode, useCallback, useMemo, useState } from 'react'
import { useSearchParams } from 'react-router'
import type { AuditRowFragment as Row } from '../../../generated/console/graphql.ts'
import { ExportButton } from '../../export/button.tsx'
import { type KeptRows, type Pages, usePages } from '../../hub/pages.ts'
import { useViewer } from '../../hub/use-viewer.ts'
import { auditDenialOf } from '../../hub/viewer.ts'
import { Page } from '../../shell/page.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx'
import { VirtualTable } from '../../ui/virtual-table.tsx'
import { ViewLinks } from '../../views/view-links.tsx'
import { ViewsButton } from '../../views/views-button.tsx'
import { AuditListDocument } from './documents.ts'
import { columnsFor } from './entry-columns.tsx'
import { EntryDialog } from './entry-dialog.tsx'
import { fields } from './export.ts'
import { isFiltered, type ListFilter, noFilter, readFilter, toAuditFilter, writeFilter } from './filter.ts'
import { FilterBar } from './filter-bar.tsx'

/** The list as it was left. */
const keep: KeptRows<Row> = {}

/** Who changed what and who read keys, the newest first, for a viewer who may see it. */
export function Component() {
  const denial = auditDenialOf(useViewer())
  if (denial === undefined) return <Audit />
  return (
    <Page title="Audit">
      <EmptyState title="You cannot see the audit" action={<ButtonLink to="/">Back to the first page</ButtonLink>}>
        <p>{denial}</p>
      </EmptyState>
    </Page>
  )
}

function Audit() {
  const [search, setSearch] = useSearchParams()
  const filter = useMemo(() => readFilter(search), [search])
  const setFilter = useCallback(
    (next: ListFilter) =>
      setSearch((present) => writeFilter(next, present), { replace: true, preventScrollReset: true }),
    [setSearch],
  )
  const view = writeFilter(filter, new URLSearchParams()).toString()
  const list = usePages(
    AuditListDocument,
    { filter: toAuditFilter(filter), first: 50 },
    { read: ({ auditLog }) => auditLog, keyOf: ({ id }) => id, keep },
  )
  const [shown, setShown] = useState<Row>()

  return (
    <Page
      title="Audit"
      actions={
        <>
          <Button onClick={list.reload} busy={list.loading}>
            Refresh
          </Button>
          <ViewsButton page="audit" search={view} />
          <ExportButton
            denied={
              list.rows.length === 0 && !list.loading && list.error === undefined
                ? 'There are no entries in the list.'
                : undefined
            }
            list={{
              name: 'audit',
              fields,
              document: AuditListDocument,
              variables: ({ first, after }) => ({ filter: toAuditFilter(filter), first, after }),
              read: ({ auditLog }) => auditLog,
            }}
          />
        </>
      }
    >
      <ViewLinks page="audit" search={view} />
      <FilterBar filter={filter} onChange={setFilter} />
      <List list={list} filtered={isFiltered(filter)} onClear={() => setFilter(noFilter)} onShow={setShown} />
      {shown !== undefined && <EntryDialog entry={shown} onClose={() => setShown(undefined)} />}
    </Page>
  )
}

function List({
  list,
  filtered,
  onClear,
  onShow,
}: {
  readonly list: Pages<Row>
  readonly filtered: boolean
  readonly onClear: () => void
  readonly onShow: (row: Row) => void
}) {
  const { rows, error, loading } = list
  const columns = useMemo(() => columnsFor(onShow), [onShow])
  if (error !== undefined && rows.length === 0) {
    return <ErrorState title="Cannot load the audit" message={describeError(error).message} onRetry={list.reload} />
  }
  if (rows.length === 0 && loading) return <LoadingState label="Loading the audit" />
  if (rows.length === 0 && filtered) {
    return <EmptyState title="No matching entries" action={<Button onClick={onClear}>Show all entries</Button>} />
  }
  if (rows.length === 0) {
    return (
      <EmptyState title="No entries yet">
        <p>Each change of a device, twin or job appears here with who made it, and so does each reading of keys.</p>
      </EmptyState>
    )
  }
  return (
    <VirtualTable
      label="Audit"
      columns={columns}
      rows={rows}
      keyOf={({ id }) => id}
      onEnd={error === undefined ? list.loadMore : undefined}
      footer={footerOf(list)}
    />
  )
}

function footerOf({ error, loading, hasMore, loadMore, rows }: Pages<Row>): ReactNode {
  if (error !== undefined) {
    return (
      <p role="alert">
        {describeError(error).message} <Button onClick={loadMore}>Try again</Button>
      </p>
    )
  }
  if (loading || hasMore) return <p>Loading more entries…</p>
  return rows.length > 20 ? <p>No more entries.</p> : undefined
}
