import { useEffect } from 'react'
import { Button } from '../ui/button.tsx'
import { ErrorState } from '../ui/states.tsx'
import type { SignInSettings } from './sign-in-settings.ts'

/** Milliseconds until the page is loaded again, because only the hub can find out more about the provider. */
const pause = 10_000

/** Shown instead of all pages while the provider does not answer, and the sign-in has to be renewed before anything else. */
export function ProviderWait({
  settings,
  onSignOut,
}: {
  readonly settings: SignInSettings | undefined
  readonly onSignOut: () => void
}) {
  const isUnknown = settings?.provider === undefined
  useEffect(() => {
    if (!isUnknown) return
    const timer = setTimeout(() => location.reload(), pause)
    return () => clearTimeout(timer)
  }, [isUnknown])
  return (
    <ErrorState
      title="Waiting for the sign-in provider"
      message={`Your sign-in has expired, and ${settings?.issuer ?? 'the provider'} does not answer. The console keeps trying to renew it, and then shows this page.`}
      onRetry={() => location.reload()}
    >
      <p>
        <Button onClick={onSignOut}>Sign out</Button>
      </p>
    </ErrorState>
  )
}
