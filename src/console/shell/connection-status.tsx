import { useSyncExternalStore } from 'react'
import { useSession } from '../hub/use-session.ts'
import { classes } from '../ui/classes.ts'
import styles from './layout.module.css'

const words = { connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting', lost: 'Disconnected' } as const
const explanations = {
  connecting: 'Connecting to the hub.',
  live: 'Data is updated live.',
  reconnecting: 'Connection lost. Data may be out of date until the console has reconnected.',
  lost: 'Connection lost. Data may be out of date. Reload the page.',
} as const

/** Whether the data on the page is updated live. */
export function ConnectionStatus() {
  const { socket } = useSession()
  const connection = useSyncExternalStore(socket.connection.subscribe, socket.connection.get)
  return (
    <span className={classes(styles.connection, styles[connection])} role="status" title={explanations[connection]}>
      <span className={styles.dot} aria-hidden="true" />
      {words[connection]}
    </span>
  )
}
