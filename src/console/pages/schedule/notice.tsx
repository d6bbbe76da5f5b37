import type { ReactNode } from 'react'
import { classes } from '../../ui/classes.ts'
import { Icon } from '../../ui/icon.tsx'
import styles from './notice.module.css'

/** Something to know before one goes on; with `isWarning`, to look at twice. */
export function Notice({
  isWarning = false,
  children,
}: {
  readonly isWarning?: boolean
  readonly children: ReactNode
}) {
  return (
    <div className={classes(styles.notice, isWarning && styles.warning)}>
      {isWarning && <Icon name="partial" />}
      <div className={styles.text}>{children}</div>
    </div>
  )
}
