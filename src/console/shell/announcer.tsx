import { createContext, type ReactNode, use, useCallback, useState } from 'react'

const AnnounceContext = createContext<(text: string) => void>(() => {})

/** Returns a function that makes screen readers announce a text at their next pause. */
export function useAnnounce(): (text: string) => void {
  return use(AnnounceContext)
}

/** The hidden place where announcements appear. */
export function Announcer({ children }: { readonly children: ReactNode }) {
  const [said, setSaid] = useState({ text: '', times: 0 })
  // A repeated text gets another ending, so that it is announced again.
  const announce = useCallback((text: string) => setSaid(({ times }) => ({ text, times: times + 1 })), [])
  return (
    <AnnounceContext value={announce}>
      {children}
      <p className="hidden" role="status" aria-live="polite">
        {said.text}
        {said.times % 2 === 0 ? '' : '\u00a0'}
      </p>
    </AnnounceContext>
  )
}
