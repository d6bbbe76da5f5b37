import { useSyncExternalStore } from 'react'
import { useSession } from './use-session.ts'

/** When the live connection was lost, in milliseconds since 1970; undefined while the hub can be reached. */
export function useOutage(): number | undefined {
  const { connection } = useSession().socket
  return useSyncExternalStore(connection.subscribe, connection.lostAt)
}
