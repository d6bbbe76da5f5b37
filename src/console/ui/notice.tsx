import type { ReactNode } from 'react'
import { classes } from './classes.ts'
import { Icon } from './icon.tsx'
import styles from './notice.module.css'

/** Something to know before continuing; a `failure` is announced to screen readers when it appears. */
export function Notice({
  kind = 'plain',
  children,
}: {
  readonly kind?: 'plain' | 'warning' | 'failure'
  readonly children: ReactNode
}) {
  return (
    <div className={classes(styles.notice, styles[kind])} role={kind === 'failure' ? 'alert' : undefined}>
      {kind !== 'plain' && <Icon name="partial" />}
      <div className={styles.text}>{children}</div>
    </div>
  )
}
