import { useQuery } from 'urql'
import { Logo } from '../shell/logo.tsx'
import { Button } from '../ui/button.tsx'
import { LackDocument } from './documents.ts'
import styles from './sign-in.module.css'
import { useViewer } from './use-viewer.ts'

/** The page of somebody who has signed in, but may not see anything. */
export function NothingAllowed({
  signOut,
  onRetry,
}: {
  readonly signOut: (() => void) | undefined
  readonly onRetry: () => void
}) {
  const { name } = useViewer()
  const [{ error }, ask] = useQuery({ query: LackDocument, requestPolicy: 'network-only' })
  return (
    <main className={styles.page}>
      <title>No access · Twincast</title>
      <div className={styles.card}>
        <p className={styles.brand}>
          <Logo /> Twincast
        </p>
        <h1>No access</h1>
        <p>
          You are signed in as <strong>{name}</strong>, but you may not see anything on this hub.
        </p>
        {error?.graphQLErrors[0] !== undefined && <p>{error.graphQLErrors[0].message}</p>}
        <p className={styles.note}>
          Ask whoever manages your account to give you a role. If you have just been given one, sign out and sign in
          again.
        </p>
        <div className={styles.actions}>
          <Button
            kind="primary"
            onClick={() => {
              ask()
              onRetry()
            }}
          >
            Try again
          </Button>
          {signOut && <Button onClick={signOut}>Sign out</Button>}
        </div>
      </div>
    </main>
  )
}
