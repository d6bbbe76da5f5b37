import { Link } from 'react-router'
import type { AuditRowFragment } from '../../../generated/console/graphql.ts'
import { asObject } from '../../device/json.ts'
import { formatCount } from '../../format.ts'
import { Button } from '../../ui/button.tsx'
import { Badge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import type { Column } from '../../ui/virtual-table.tsx'
import styles from './entry-columns.module.css'
import { targetPath, wordOf } from './operations.ts'
import { showOutcome } from './outcome.ts'

type Row = AuditRowFragment

/** The columns of the list. `onShow` shows all of an entry. */
export const columnsFor = (onShow: (row: Row) => void): readonly Column<Row>[] => [
  { id: 'time', name: 'Time', width: '11.5rem', narrow: 'left', cell: ({ time }) => <Time value={time} absolute /> },
  { id: 'actor', name: 'Actor', width: 'minmax(6rem, 1fr)', cell: (row) => <Actor row={row} /> },
  {
    id: 'operation',
    name: 'Operation',
    width: 'minmax(8rem, 1.2fr)',
    narrow: 'title',
    cell: ({ operation }) => (
      <span className={styles.operation} title={operation}>
        {wordOf(operation)}
      </span>
    ),
  },
  { id: 'target', name: 'Target', width: 'minmax(7rem, 1.2fr)', cell: (row) => <Target row={row} /> },
  {
    id: 'address',
    name: 'Address',
    width: 'minmax(5rem, 8rem)',
    cell: ({ address }) => (address === null ? <None /> : <span className={styles.text}>{address}</span>),
  },
  { id: 'outcome', name: 'Outcome', width: '10rem', narrow: 'bare', cell: (row) => <Outcome row={row} /> },
  {
    id: 'detail',
    name: 'Details',
    width: '5.5rem',
    align: 'end',
    narrow: 'right',
    cell: (row) => (
      <Button kind="quiet" data-opens-row onClick={() => onShow(row)}>
        Details
        <span className="hidden">
          {' '}
          of {wordOf(row.operation)} {row.target}
        </span>
      </Button>
    ),
  },
]

function Actor({ row: { actor, kind, subject } }: { readonly row: Row }) {
  return (
    <span className={styles.text} title={kind === 'PERSON' ? `Subject ${subject}` : undefined}>
      {actor} <span className={styles.muted}>{kinds[kind]}</span>
    </span>
  )
}

const kinds: Readonly<Record<Row['kind'], string>> = {
  PERSON: '',
  POLICY: 'policy',
  ANONYMOUS: '',
  HUB: '',
}

/** The device or job, or the number of devices. */
function Target({ row }: { readonly row: Row }) {
  const path = targetPath(row)
  const { devices } = asObject(row.detail)
  if (path !== undefined) {
    return (
      <Link className={styles.text} to={path}>
        {row.target}
      </Link>
    )
  }
  if (row.target !== null) return <span className={styles.text}>{row.target}</span>
  if (typeof devices !== 'number') return <None />
  return (
    <span>
      {formatCount(devices)} {devices === 1 ? 'device' : 'devices'}
    </span>
  )
}

function Outcome({ row: { outcome, code, detail } }: { readonly row: Row }) {
  const { failures, times } = asObject(detail)
  return (
    <span className={styles.outcome}>
      <Badge {...showOutcome(outcome)} />
      {code !== null && <code className={styles.code}>{code}</code>}
      {typeof failures === 'number' && failures > 0 && (
        <span className={styles.muted}>
          {formatCount(failures)} {failures === 1 ? 'device' : 'devices'} refused
        </span>
      )}
      {typeof times === 'number' && <span className={styles.muted}>{formatCount(times)} times</span>}
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
