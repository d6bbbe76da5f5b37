import { Link } from 'react-router'
import type { DevicesRowFragment } from '../../../generated/console/graphql.ts'
import { byId } from '../../device/address.ts'
import { describeValue } from '../../device/differences.ts'
import { showStatus } from '../../device/status.ts'
import { shortNameOf, valueAt } from '../../device/twin-path.ts'
import { Badge, ConnectionBadge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import type { Column } from '../../ui/virtual-table.tsx'
import { useInSight } from '../../ui/visible-rows.ts'
import styles from './row-cells.module.css'

type Row = DevicesRowFragment

/**
 * The columns of the list, including one for each path of the twin. They share the width alike: a wide column for short
 * IDs would leave a gap that the eye has to cross.
 */
export function columnsFor(paths: readonly string[]): readonly Column<Row, 'id'>[] {
  return [
    {
      id: 'device',
      name: 'Device',
      width: 'minmax(8rem, 1.2fr)',
      sort: byId,
      narrow: 'title',
      cell: (row) => <Name row={row} />,
    },
    {
      id: 'presence',
      name: 'Connection',
      width: 'minmax(8rem, 1fr)',
      narrow: 'left',
      cell: ({ connectionState }) => <ConnectionBadge state={connectionState} />,
    },
    { id: 'status', name: 'Status', width: 'minmax(6rem, 1fr)', narrow: 'right', cell: (row) => <Status row={row} /> },
    ...paths.map(
      (path): Column<Row, 'id'> => ({
        id: path,
        name: shortNameOf(path),
        width: 'minmax(6rem, 1fr)',
        cell: (row) => <TwinValue row={row} path={path} />,
      }),
    ),
    {
      id: 'activity',
      name: 'Last activity',
      width: 'minmax(7rem, 1fr)',
      cell: ({ lastActivityTime }) =>
        lastActivityTime === null ? (
          <span className={styles.none}>Never</span>
        ) : (
          <span className={styles.muted}>
            <Time value={lastActivityTime} />
          </span>
        ),
    },
  ]
}

function Name({ row: { id, deviceId } }: { readonly row: Row }) {
  useInSight(id)
  return (
    <Link className={`${styles.name} stretched`} to={`/devices/${encodeURIComponent(deviceId)}`}>
      {deviceId}
    </Link>
  )
}

function Status({ row: { status, statusReason } }: { readonly row: Row }) {
  if (status === 'ENABLED') return <span className={styles.muted}>Enabled</span>
  return (
    <span className={styles.status}>
      <Badge {...showStatus(status)} />
      {statusReason && (
        <span className={styles.reason} title={statusReason}>
          {statusReason}
        </span>
      )}
    </span>
  )
}

function TwinValue({ row: { twin }, path }: { readonly row: Row; readonly path: string }) {
  if (twin === undefined) return <span className={styles.none}>…</span>
  if (twin === null) return <span className={styles.none}>–</span>
  const { tags, properties } = twin
  const document = { tags, properties: { desired: properties.desired.value, reported: properties.reported.value } }
  const value = valueAt(document, path)
  if (value === undefined) return <span className={styles.none}>–</span>
  const text = typeof value === 'string' ? value : describeValue(value)
  return (
    <span className={styles.value} title={text}>
      {text}
    </span>
  )
}
