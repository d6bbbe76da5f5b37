import { useEffect, useRef } from 'react'
import { Link } from 'react-router'
import type { DeviceJobRowFragment as Row } from '../../../generated/console/graphql.ts'
import { describeValue } from '../../device/differences.ts'
import { DeviceJobsChangedDocument, DeviceJobsDocument } from '../../device/documents.ts'
import { formatCount } from '../../format.ts'
import { usePages } from '../../hub/pages.ts'
import { useLiveEvents } from '../../hub/use-subscription.ts'
import { describeOperation } from '../../operation.ts'
import { Button } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { ErrorState, LoadingState } from '../../ui/states.tsx'
import { DeviceJobBadge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import { type Column, VirtualTable } from '../../ui/virtual-table.tsx'
import styles from './jobs-panel.module.css'

const columns: readonly Column<Row>[] = [
  { id: 'job', name: 'Job', width: 'minmax(10rem, 2fr)', narrow: 'title', cell: (row) => <JobCell row={row} /> },
  {
    id: 'status',
    name: 'Status',
    width: '7rem',
    narrow: 'left',
    cell: ({ result, skipped }) => <DeviceJobBadge result={result} skipped={skipped} />,
  },
  { id: 'result', name: 'Result', width: 'minmax(8rem, 2fr)', narrow: 'bare', cell: (row) => <ResultCell row={row} /> },
  {
    id: 'ended',
    name: 'Finished',
    width: '6rem',
    align: 'end',
    narrow: 'right',
    cell: ({ endTime }) => (endTime === null ? <span className={styles.muted}>–</span> : <Time value={endTime} />),
  },
]

const pageSize = 25
/** Milliseconds between a change of a job and the reading of the list, so that a fast job causes few readings. */
const rest = 1_000

/** The device jobs of the device, the latest first. The list is live as long as it is one page. */
export function JobsPanel({ deviceId }: { readonly deviceId: string }) {
  const pages = usePages(
    DeviceJobsDocument,
    { deviceId, first: pageSize },
    { read: ({ device }) => device?.deviceJobs, keyOf: ({ id }) => id },
  )
  const { rows, totalCount, loading, error } = pages
  const isOnePage = rows.length <= pageSize
  const latest = useRef({ reload: pages.reload, isOnePage })
  useEffect(() => {
    latest.current = { reload: pages.reload, isOnePage }
  })
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const live = useLiveEvents(DeviceJobsChangedDocument, {}, () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      if (latest.current.isOnePage) latest.current.reload()
    }, rest)
  })
  return (
    <section className={styles.jobs} aria-labelledby="device-jobs">
      <header className={styles.head}>
        <h2 id="device-jobs">Jobs</h2>
        {totalCount !== undefined && <p className={styles.muted}>{formatCount(totalCount)}</p>}
        {(!isOnePage || live.error !== undefined) && (
          <Button kind="quiet" onClick={pages.reload} disabled={loading}>
            Refresh
          </Button>
        )}
      </header>
      {rows.length > 0 ? (
        <VirtualTable
          label="Jobs on this device"
          columns={columns}
          rows={rows}
          keyOf={({ id }) => id}
          rowHeight={54}
          totalCount={totalCount}
          onEnd={error === undefined ? pages.loadMore : undefined}
          footer={
            error !== undefined ? (
              <span role="alert">
                {describeError(error).message} <Button onClick={pages.loadMore}>Try again</Button>
              </span>
            ) : pages.hasMore ? (
              'Loading more jobs…'
            ) : undefined
          }
        />
      ) : loading && totalCount === undefined ? (
        <LoadingState label="Loading jobs" />
      ) : error !== undefined ? (
        <ErrorState title="Cannot load jobs" message={describeError(error).message} onRetry={pages.reload} />
      ) : (
        <p className={styles.muted}>No jobs have run on this device yet.</p>
      )}
    </section>
  )
}

function JobCell({ row: { job } }: { readonly row: Row }) {
  return (
    <span className={styles.job}>
      {job === null ? (
        'Unknown job'
      ) : (
        <>
          <Link className={`${styles.name} stretched`} to={`/jobs/${encodeURIComponent(job.jobId)}`}>
            {job.jobId}
          </Link>
          <span className={styles.what}>{describeOperation(job)}</span>
        </>
      )}
    </span>
  )
}

function ResultCell({ row: { result, outcome, error, job } }: { readonly row: Row }) {
  if (error) {
    return (
      <span className={styles.result}>
        <code className={styles.failed}>{error.code}</code> <span className={styles.muted}>{error.description}</span>
      </span>
    )
  }
  if (outcome === null) {
    return <span className={styles.muted}>{result === 'SUCCEEDED' && job?.updateTwin ? 'Updated' : '–'}</span>
  }
  const { status, payload } = outcome
  return (
    <span className={styles.result}>
      <span className={result === 'REFUSED' ? styles.refused : undefined}>{status}</span>{' '}
      {payload !== null && <code className={styles.muted}>{describeValue(payload)}</code>}
    </span>
  )
}
