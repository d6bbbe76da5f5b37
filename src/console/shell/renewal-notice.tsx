import { useSyncExternalStore } from 'react'
import { useSession } from '../hub/use-session.ts'
import { Button } from '../ui/button.tsx'
import styles from './layout.module.css'

const texts = {
  late: 'Your sign-in has expired, because the provider does not answer. Data may be out of date. The console keeps trying to renew it.',
  ended: 'Your sign-in cannot be renewed. Sign in again to go on from here; drafts on the page Schedule are kept.',
} as const

/** Shown while the sign-in of a person cannot be renewed. The pages stay as they are. */
export function RenewalNotice() {
  const { renewal, signInAgain } = useSession()
  const state = useSyncExternalStore(renewal.subscribe, renewal.get)
  if (state === 'fine' || state === 'waiting' || signInAgain === undefined) return null
  return (
    <div className={styles.notice} role="alert">
      <p>{texts[state]}</p>
      {state === 'ended' && <Button onClick={signInAgain}>Sign in again</Button>}
    </div>
  )
}
