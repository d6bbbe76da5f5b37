import { type ReactNode, useCallback, useMemo } from 'react'
import { useSearchParams } from 'react-router'
import type { JobsRowFragment as Row } from '../../../generated/console/graphql.ts'
import { ExportButton } from '../../export/button.tsx'
import { formatCount } from '../../format.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { JobPlaces } from '../../shell/job-places.tsx'
import { Page } from '../../shell/page.tsx'
import { ScopeHint } from '../../shell/scope-hint.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { Icon } from '../../ui/icon.tsx'
import { type Selection, useSelection } from '../../ui/selection.ts'
import { readSort, type Sort, writeSort } from '../../ui/sort.ts'
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx'
import { JobBadge } from '../../ui/status-badge.tsx'
import { type Column, VirtualTable } from '../../ui/virtual-table.tsx'
import { ViewLinks } from '../../views/view-links.tsx'
import { ViewsButton } from '../../views/views-button.tsx'
import { fields, JobsExportDocument } from './export.ts'
import { isFiltered, type ListFilter, noFilter, readFilter, toJobFilter, writeFilter } from './filter.ts'
import { FilterBar } from './filter-bar.tsx'
import { newestFirst, type SortKey, sortKeys, toJobOrder } from './order.ts'
import styles from './page.module.css'
import { JobEnd, JobName, JobProgress, JobTime } from './row-parts.tsx'
import { SelectedJobs } from './selected-jobs.tsx'
import { idOf, type JobList, useJobList } from './use-job-list.ts'

/** The columns. On a narrow screen, the end is shown where it orders the list. */
const columnsFor = (sort: Sort<SortKey>): readonly Column<Row, SortKey>[] => [
  { id: 'status', name: 'Status', width: '8.5rem', narrow: 'left', cell: (job) => <JobBadge job={job} /> },
  {
    id: 'job',
    name: 'Job',
    width: 'minmax(0, 2fr)',
    sort: { key: 'id', direction: 'ASC' },
    narrow: 'title',
    cell: (job) => <JobName job={job} />,
  },
  {
    id: 'progress',
    name: 'Progress',
    width: 'minmax(9rem, 1fr)',
    narrow: 'bare',
    cell: (job) => <JobProgress job={job} />,
  },
  {
    id: 'scheduled',
    name: 'Scheduled',
    width: '6.5rem',
    sort: { key: 'created', direction: 'DESC' },
    align: 'end',
    narrow: 'right',
    cell: (job) => <JobTime job={job} />,
  },
  {
    id: 'ended',
    name: 'Ended',
    width: '6rem',
    sort: { key: 'end', direction: 'DESC' },
    align: 'end',
    ...(sort.key !== 'end' && { narrow: 'gone' }),
    cell: (job) => <JobEnd job={job} />,
  },
]

const naming = { keyOf: idOf, nameOf: ({ jobId }: Row) => jobId }

/** All jobs with their progress, the latest first unless asked otherwise. */
export function Component() {
  const [search, setSearch] = useSearchParams()
  const filter = useMemo(() => readFilter(search), [search])
  const setFilter = useCallback(
    (next: ListFilter) =>
      setSearch((present) => writeFilter(next, present), { replace: true, preventScrollReset: true }),
    [setSearch],
  )
  const sort = useMemo(() => readSort(search, sortKeys, newestFirst), [search])
  const setSort = (next: Sort<SortKey>): void =>
    setSearch((present) => writeSort(next, present, newestFirst), { replace: true, preventScrollReset: true })
  const view = writeSort(sort, writeFilter(filter, new URLSearchParams()), newestFirst).toString()
  const list = useJobList(filter, sort)
  const denial = useDenial()
  const selection = useSelection(JSON.stringify(filter), list.rows, naming)

  return (
    <Page
      title="Jobs"
      lead={list.totalCount !== undefined && <Total count={list.totalCount} filtered={isFiltered(filter)} />}
      actions={
        <>
          <ViewsButton page="jobs" search={view} />
          <ExportButton
            denied={list.totalCount === 0 ? 'There are no jobs in the list.' : undefined}
            list={{
              name: 'jobs',
              fields,
              document: JobsExportDocument,
              variables: (page) => ({ filter: toJobFilter(filter), orderBy: toJobOrder(sort), ...page }),
              read: ({ jobs }) => jobs,
            }}
          />
          <ButtonLink to="/schedule" kind="primary" denied={denial('WRITE_JOBS')}>
            <Icon name="plus" /> Schedule a job
          </ButtonLink>
        </>
      }
    >
      <JobPlaces />
      <ScopeHint />
      <ViewLinks page="jobs" search={view} />
      <FilterBar filter={filter} onChange={setFilter} />
      {list.liveError !== undefined && (
        <ErrorState title="This list is not updating" message={list.liveError.message} onRetry={list.retryLive} />
      )}
      <List
        list={list}
        sort={sort}
        onSort={setSort}
        selection={selection}
        filtered={isFiltered(filter)}
        onClear={() => setFilter(noFilter)}
      />
    </Page>
  )
}

function List({
  list,
  sort,
  onSort,
  selection,
  filtered,
  onClear,
}: {
  readonly list: JobList
  readonly sort: Sort<SortKey>
  readonly onSort: (sort: Sort<SortKey>) => void
  readonly selection: Selection<Row>
  readonly filtered: boolean
  readonly onClear: () => void
}) {
  const { rows, error, loading } = list
  const columns = useMemo(() => columnsFor(sort), [sort])
  if (error !== undefined && rows.length === 0) {
    return <ErrorState title="Cannot load jobs" message={describeError(error).message} onRetry={list.reload} />
  }
  if (rows.length === 0 && !loading && filtered) {
    return (
      <EmptyState title="No matching jobs" action={<Button onClick={onClear}>Show all jobs</Button>}>
        <p>Matching jobs appear here automatically.</p>
      </EmptyState>
    )
  }
  if (rows.length === 0 && !loading) return <NoJobs />
  return (
    <div className={styles.list} {...list.holdProps}>
      {(list.arrivals > 0 || list.misplaced > 0) && (
        <div className={styles.arrivals}>
          {list.arrivals > 0 && (
            <Button kind="primary" onClick={list.showArrivals}>
              <Icon name="up" /> {formatCount(list.arrivals)} new {list.arrivals === 1 ? 'job' : 'jobs'}
            </Button>
          )}
          {list.misplaced > 0 && (
            <Button onClick={list.reload}>
              {formatCount(list.misplaced)} {list.misplaced === 1 ? 'job has' : 'jobs have'} changed places. Refresh
            </Button>
          )}
        </div>
      )}
      <VirtualTable
        label="Jobs"
        columns={columns}
        rows={rows}
        keyOf={idOf}
        rowHeight={52}
        totalCount={list.totalCount}
        sort={sort}
        onSort={onSort}
        selection={selection}
        onEnd={error === undefined ? list.loadMore : undefined}
        footer={footerOf(list)}
      />
      <SelectedJobs selection={selection} />
    </div>
  )
}

function footerOf({ error, loading, hasMore, loadMore, rows }: JobList): ReactNode {
  if (loading && rows.length === 0) return <LoadingState label="Loading jobs" />
  if (error !== undefined) {
    return (
      <p role="alert">
        {describeError(error).message} <Button onClick={loadMore}>Try again</Button>
      </p>
    )
  }
  if (loading || hasMore) return <p>Loading more jobs…</p>
  return rows.length > 20 ? <p>No more jobs.</p> : undefined
}

function Total({ count, filtered }: { readonly count: number; readonly filtered: boolean }) {
  return (
    <span className={styles.total} role="status">
      {formatCount(count)} {filtered ? 'matching' : count === 1 ? 'job' : 'jobs'}
    </span>
  )
}

function NoJobs() {
  const denial = useDenial()
  return (
    <EmptyState
      title="No jobs yet"
      action={
        <>
          <ButtonLink to="/schedule" kind="primary" denied={denial('WRITE_JOBS')}>
            Schedule your first job
          </ButtonLink>
          <ButtonLink to="/devices">View devices</ButtonLink>
        </>
      }
    >
      <p>
        A job runs one operation on many devices: it calls a direct method, such as <code>reboot</code>, or updates
        their twins. A condition selects the devices, for example <code>tags.site = 'north'</code>.
      </p>
      <p>
        The hub paces the work, waits for offline devices to connect, and records the result of each device. Every job
        and its progress appear here live.
      </p>
    </EmptyState>
  )
}
