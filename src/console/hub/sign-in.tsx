import { type FormEvent, type KeyboardEvent, useState } from 'react'
import { Logo } from '../shell/logo.tsx'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { obstacle } from './open-id.ts'
import styles from './sign-in.module.css'
import type { SignInSettings } from './sign-in-settings.ts'
import { readTokenText } from './token-text.ts'

/** The page that replaces all others until the hub has accepted a credential. */
export function SignIn({
  settings,
  pastes,
  problem,
  onPastes,
  onSignIn,
  onToken,
}: {
  /** Undefined where persons cannot sign in, so that a token has to be pasted. */
  readonly settings: SignInSettings | undefined
  /** Whether a token is pasted also where persons can sign in. */
  readonly pastes: boolean
  readonly onPastes: (pastes: boolean) => void
  /** Why the last attempt failed, or why the session has ended. */
  readonly problem: string | undefined
  readonly onSignIn: () => void
  readonly onToken: (token: string) => void
}) {
  return (
    <main className={styles.page}>
      <title>Sign in · Twincast</title>
      <div className={styles.card}>
        <p className={styles.brand}>
          <Logo /> Twincast
        </p>
        {settings === undefined || pastes ? (
          <TokenForm problem={problem} onToken={onToken} />
        ) : (
          <AtProvider settings={settings} problem={problem} onSignIn={onSignIn} />
        )}
        {settings !== undefined && (
          <p>
            <Button kind="quiet" onClick={() => onPastes(!pastes)}>
              {pastes ? 'Sign in with an account instead' : 'Use a token instead'}
            </Button>
          </p>
        )}
      </div>
    </main>
  )
}

function AtProvider({
  settings,
  problem,
  onSignIn,
}: {
  readonly settings: SignInSettings
  readonly problem: string | undefined
  readonly onSignIn: () => void
}) {
  const [isLeaving, setLeaving] = useState(false)
  const hindrance = obstacle(settings)
  const fault = problem ?? hindrance
  return (
    <>
      <h1>Sign in</h1>
      <p>
        Use your account at <strong>{hostOf(settings.issuer)}</strong>.
      </p>
      {fault !== undefined && (
        <p className={styles.fault} role="alert">
          {fault}
        </p>
      )}
      <Button
        kind="primary"
        autoFocus
        busy={isLeaving}
        onClick={() => {
          // A reload asks the hub whether it has reached the provider in the meantime.
          if (hindrance !== undefined) location.reload()
          else {
            setLeaving(true)
            onSignIn()
          }
        }}
      >
        {hindrance === undefined ? 'Sign in' : 'Try again'}
      </Button>
    </>
  )
}

function TokenForm({
  problem: first,
  onToken,
}: {
  readonly problem: string | undefined
  readonly onToken: (token: string) => void
}) {
  const [problem, setProblem] = useState(first)
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const text = new FormData(event.currentTarget).get('token')
    const read = readTokenText(typeof text === 'string' ? text : '')
    if ('problem' in read) setProblem(read.problem)
    else onToken(read.token)
  }
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      <h1>Sign in with a token</h1>
      <p>This hub requires an access token. On the hub’s machine, run</p>
      <pre className={styles.command}>npx twincast token</pre>
      <p className={styles.note}>
        and paste its output. Tokens are valid for one hour. Use <code>--hours 8</code> for longer, or{' '}
        <code>--policy service</code> for fewer rights.
      </p>
      <Field label="Token" error={problem} hint="Stored in this browser tab only.">
        {(props) => (
          <textarea
            {...props}
            className={styles.token}
            name="token"
            rows={4}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            placeholder="SharedAccessSignature sr=…&sig=…&se=…&skn=…"
            onKeyDown={submitOnEnter}
            // biome-ignore lint/a11y/noAutofocus: it is all there is on this page.
            autoFocus
          />
        )}
      </Field>
      <Button type="submit" kind="primary">
        Sign in
      </Button>
    </form>
  )
}

/** The part of an address that people know. */
const hostOf = (issuer: string): string => (URL.canParse(issuer) ? new URL(issuer).host : issuer)

/** A token is one line, however it wraps: Enter submits it. */
function submitOnEnter(event: KeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
  event.preventDefault()
  event.currentTarget.form?.requestSubmit()
}
