import { useEffect } from 'react'
import { useBlocker } from 'react-router'
import { DiscardQuestion } from '../ui/dialog.tsx'

/**
 * While it is rendered, asks before another page of the console discards what was typed on this one. The browser itself
 * asks before it loads or closes the page. One at a time.
 */
export function DiscardOnLeaving() {
  const blocker = useBlocker(({ currentLocation, nextLocation }) => currentLocation.pathname !== nextLocation.pathname)
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [])
  if (blocker.state !== 'blocked') return null
  return <DiscardQuestion onKeep={() => blocker.reset()} onDiscard={() => blocker.proceed()} />
}
