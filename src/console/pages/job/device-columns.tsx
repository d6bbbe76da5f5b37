import { Link } from 'react-router'
import type { JobDeviceFragment } from '../../../generated/console/graphql.ts'
import { DeviceJobBadge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import type { Column } from '../../ui/virtual-table.tsx'
import { useInSight } from '../../ui/visible-rows.ts'
import styles from './device-columns.module.css'
import type { SortKey } from './filters.ts'

/**
 * The columns of the table of devices, without those in which all rows are empty. While the job is open or rows are
 * being read, a column stays that may be filled, so that none moves. `onShow` shows everything about the device job.
 */
export function columnsFor(
  rows: readonly JobDeviceFragment[],
  { isMethod, isOpen }: { readonly isMethod: boolean; readonly isOpen: boolean },
  onShow: (row: JobDeviceFragment) => void,
): readonly Column<JobDeviceFragment, SortKey>[] {
  const mayBeFilled = isOpen || rows.length === 0
  const isShown: Readonly<Record<string, boolean>> = {
    started: isMethod && (mayBeFilled || rows.some(({ startTime }) => startTime !== null)),
    ended: mayBeFilled || rows.some(({ endTime }) => endTime !== null),
    answer: isMethod && (mayBeFilled || rows.some(({ outcome }) => outcome !== null)),
    error: mayBeFilled || rows.some(({ error }) => error !== null),
  }
  return columns(onShow).filter(({ id }) => isShown[id] ?? true)
}

function columns(onShow: (row: JobDeviceFragment) => void): readonly Column<JobDeviceFragment, SortKey>[] {
  return [
    {
      id: 'device',
      name: 'Device',
      width: 'minmax(8rem, 1.4fr)',
      sort: { key: 'device', direction: 'ASC' },
      narrow: 'title',
      cell: (row) => <DeviceCell row={row} />,
    },
    {
      id: 'status',
      name: 'Status',
      width: '7rem',
      narrow: 'bare',
      cell: (row) => <StatusCell row={row} onShow={onShow} />,
    },
    { id: 'started', name: 'Sent', width: '6rem', cell: ({ startTime }) => <Moment value={startTime} /> },
    {
      id: 'ended',
      name: 'Finished',
      width: '6.5rem',
      sort: { key: 'end', direction: 'DESC' },
      cell: ({ endTime }) => <Moment value={endTime} />,
    },
    {
      id: 'answer',
      name: 'Response',
      width: 'minmax(9rem, 1.6fr)',
      cell: (row) => <AnswerCell row={row} onShow={onShow} />,
    },
    {
      id: 'error',
      name: 'Error',
      width: 'minmax(10rem, 2fr)',
      cell: ({ error }) => (error ? <ErrorCell {...error} /> : <None />),
    },
  ]
}

function DeviceCell({ row: { id, deviceId } }: { readonly row: JobDeviceFragment }) {
  useInSight(id)
  return (
    <Link className={styles.device} to={`/devices/${encodeURIComponent(deviceId)}`}>
      {deviceId}
    </Link>
  )
}

function StatusCell({
  row,
  onShow,
}: {
  readonly row: JobDeviceFragment
  readonly onShow: (row: JobDeviceFragment) => void
}) {
  return (
    <button type="button" className={styles.answer} data-opens-row onClick={() => onShow(row)}>
      <DeviceJobBadge result={row.result} skipped={row.skipped} />
      <span className="hidden">: show the time line of {row.deviceId}</span>
    </button>
  )
}

function Moment({ value }: { readonly value: string | null }) {
  return value === null ? <None /> : <Time value={value} />
}

function AnswerCell({
  row,
  onShow,
}: {
  readonly row: JobDeviceFragment
  readonly onShow: (row: JobDeviceFragment) => void
}) {
  const { outcome, deviceId, result } = row
  if (outcome === null) return <None />
  const { status, payload } = outcome
  const refused = result === 'REFUSED' ? styles.refused : undefined
  if (payload === null) return <span className={refused}>{status}</span>
  return (
    <button type="button" className={styles.answer} onClick={() => onShow(row)}>
      <span className={refused}>{status}</span>{' '}
      <code className={styles.payload}>{JSON.stringify(payload).slice(0, 120)}</code>
      <span className="hidden">: show the full response from {deviceId}</span>
    </button>
  )
}

function ErrorCell({ code, description }: { readonly code: string; readonly description: string }) {
  return (
    <span className={styles.error}>
      <code className={styles.failed}>{code}</code> <span className={styles.muted}>{description}</span>
    </span>
  )
}

function None() {
  return (
    <span className={styles.muted} data-nothing>
      –
    </span>
  )
}
