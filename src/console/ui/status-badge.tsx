import type { ConnectionState, DeviceJobResult } from '../../generated/console/graphql.ts'
import { classes } from './classes.ts'
import { Icon } from './icon.tsx'
import { type Shown, type ShownJob, showConnection, showJob, showResult } from './status.ts'
import styles from './status-badge.module.css'

/** A state with its colour, its icon and its word. */
export function Badge({ tone, icon, word }: Shown) {
  return (
    <span className={classes(styles.badge, styles[tone])}>
      <Icon name={icon} size={13} />
      {word}
    </span>
  )
}

/** The status of a job, or its outcome once it has ended. */
export function JobBadge({ job }: { readonly job: ShownJob }) {
  return <Badge {...showJob(job)} />
}

/** The result of a device job, or its status before it has ended. */
export function DeviceJobBadge({ result, skipped }: { readonly result: DeviceJobResult; readonly skipped: boolean }) {
  return <Badge {...showResult(result, skipped)} />
}

/** Whether a device is connected. */
export function ConnectionBadge({ state }: { readonly state: ConnectionState }) {
  return <Badge {...showConnection(state)} />
}
