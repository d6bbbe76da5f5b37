import { useSyncExternalStore } from 'react'
import { useSession } from '../hub/session.tsx'
import { classes } from '../ui/classes.ts'
import styles from './layout.module.css'

const words = { connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting', lost: 'Not live' } as const
const explanations = {
  connecting: 'The console connects to the hub.',
  live: 'What you see is live.',
  reconnecting: 'What you see may be old. The console goes on trying to connect.',
  lost: 'What you see may be old. Load the page again.',
} as const

/** Whether what is shown is live. */
export function ConnectionSign() {
  const { socket } = useSession()
  const connection = useSyncExternalStore(socket.connection.subscribe, socket.connection.get)
  return (
    <span className={classes(styles.connection, styles[connection])} role="status" title={explanations[connection]}>
      <span className={styles.dot} aria-hidden="true" />
      {words[connection]}
    </span>
  )
}
