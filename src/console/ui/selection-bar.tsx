import type { ReactNode } from 'react'
import { formatCount } from '../format.ts'
import { Button } from './button.tsx'
import type { Selection } from './selection.ts'
import styles from './selection-bar.module.css'

/** How many rows are selected, and what can be done with them. It stays in view while its list is. */
export function SelectionBar<Row>({
  selection: { rows, clear },
  children,
}: {
  readonly selection: Selection<Row>
  readonly children: ReactNode
}) {
  if (rows.length === 0) return null
  return (
    <section className={styles.bar} aria-label="Selection">
      <p role="status">{formatCount(rows.length)} selected</p>
      <div className={styles.actions}>
        {children}
        <Button kind="quiet" onClick={clear}>
          Clear selection
        </Button>
      </div>
    </section>
  )
}
