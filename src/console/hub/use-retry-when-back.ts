import { useEffect, useRef, useSyncExternalStore } from 'react'
import type { CombinedError } from 'urql'
import { useSession } from './use-session.ts'

/**
 * Repeats a request that the hub did not answer once the live connection is back. An error that the hub did answer with
 * would only come again.
 */
export function useRetryWhenBack(error: CombinedError | undefined, retry: () => void): void {
  const { socket } = useSession()
  const isLive = useSyncExternalStore(socket.connection.subscribe, socket.connection.get) === 'live'
  const latest = useRef({ error, retry })
  useEffect(() => {
    latest.current = { error, retry }
  })
  const wasLive = useRef(isLive)
  useEffect(() => {
    const { error, retry } = latest.current
    if (isLive && !wasLive.current && error?.networkError !== undefined) retry()
    wasLive.current = isLive
  }, [isLive])
}
