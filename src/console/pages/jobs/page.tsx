import { type ReactNode, useCallback, useMemo } from 'react'
import { useSearchParams } from 'react-router'
import type { JobsRowFragment as Row } from '../../../generated/console/graphql.ts'
import { ExportButton } from '../../export/button.tsx'
import { formatCount } from '../../format.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { Page } from '../../shell/page.tsx'
import { ScopeHint } from '../../shell/scope-hint.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { Icon } from '../../ui/icon.tsx'
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx'
import { JobBadge } from '../../ui/status-badge.tsx'
import { type Column, VirtualTable } from '../../ui/virtual-table.tsx'
import { fields, JobsExportDocument } from './export.ts'
import { isFiltered, type ListFilter, noFilter, readFilter, toJobFilter, writeFilter } from './filter.ts'
import { FilterBar } from './filter-bar.tsx'
import styles from './page.module.css'
import { JobName, JobProgress, JobTime } from './row-parts.tsx'
import { idOf, type JobList, useJobList } from './use-job-list.ts'

const columns: readonly Column<Row>[] = [
  { id: 'status', name: 'Status', width: '8.5rem', narrow: 'left', cell: (job) => <JobBadge job={job} /> },
  { id: 'job', name: 'Job', width: 'minmax(0, 2fr)', narrow: 'title', cell: (job) => <JobName job={job} /> },
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
    width: '6rem',
    align: 'end',
    narrow: 'right',
    cell: (job) => <JobTime job={job} />,
  },
]

/** All jobs with their progress, the latest first. */
export function Component() {
  const [search, setSearch] = useSearchParams()
  const filter = useMemo(() => readFilter(search), [search])
  const setFilter = useCallback(
    (next: ListFilter) =>
      setSearch((present) => writeFilter(next, present), { replace: true, preventScrollReset: true }),
    [setSearch],
  )
  const list = useJobList(filter)
  const denial = useDenial()

  return (
    <Page
      title="Jobs"
      lead={list.totalCount !== undefined && <Total count={list.totalCount} filtered={isFiltered(filter)} />}
      actions={
        <>
          <ExportButton
            denied={list.totalCount === 0 ? 'There are no jobs in the list.' : undefined}
            list={{
              name: 'jobs',
              fields,
              document: JobsExportDocument,
              variables: (page) => ({ filter: toJobFilter(filter), ...page }),
              read: ({ jobs }) => jobs,
            }}
          />
          <ButtonLink to="/schedule" kind="primary" denied={denial('WRITE_JOBS')}>
            <Icon name="plus" /> Schedule a job
          </ButtonLink>
        </>
      }
    >
      <ScopeHint />
      <FilterBar filter={filter} onChange={setFilter} />
      {list.liveError !== undefined && (
        <ErrorState title="This list is not updating" message={list.liveError.message} onRetry={list.retryLive} />
      )}
      <List list={list} filtered={isFiltered(filter)} onClear={() => setFilter(noFilter)} />
    </Page>
  )
}

function List({
  list,
  filtered,
  onClear,
}: {
  readonly list: JobList
  readonly filtered: boolean
  readonly onClear: () => void
}) {
  const { rows, error, loading } = list
  if (error !== undefined && rows.length === 0) {
    return <ErrorState title="Cannot load jobs" message={describeError(error).message} onRetry={list.reload} />
  }
  if (rows.length === 0 && loading) return <LoadingState label="Loading jobs" />
  if (rows.length === 0 && filtered) {
    return (
      <EmptyState title="No matching jobs" action={<Button onClick={onClear}>Show all jobs</Button>}>
        <p>Matching jobs appear here automatically.</p>
      </EmptyState>
    )
  }
  if (rows.length === 0) return <NoJobs />
  return (
    <div className={styles.list} {...list.holdProps}>
      {list.arrivals > 0 && (
        <div className={styles.arrivals}>
          <Button kind="primary" onClick={list.showArrivals}>
            <Icon name="up" /> {formatCount(list.arrivals)} new {list.arrivals === 1 ? 'job' : 'jobs'}
          </Button>
        </div>
      )}
      <VirtualTable
        label="Jobs"
        columns={columns}
        rows={rows}
        keyOf={idOf}
        rowHeight={52}
        totalCount={list.totalCount}
        onEnd={error === undefined ? list.loadMore : undefined}
        footer={footerOf(list)}
      />
    </div>
  )
}

function footerOf({ error, loading, hasMore, loadMore, rows }: JobList): ReactNode {
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
