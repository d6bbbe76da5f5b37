import { type FormEvent, type KeyboardEvent, useState } from 'react'
import { Logo } from '../shell/logo.tsx'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import styles from './sign-in.module.css'
import { readTokenText } from './token-text.ts'

const reasons = {
  needed: undefined,
  refused: 'The hub did not accept this token. It may belong to another hub, or its key may have changed.',
  old: 'This token has expired. Create a new one.',
  expired: 'Your token has expired. Paste a new one to continue where you left off.',
} as const

/** The page that replaces all others until the hub has accepted a token. */
export function SignIn({
  why,
  onToken,
}: {
  readonly why: keyof typeof reasons
  readonly onToken: (token: string) => void
}) {
  const [problem, setProblem] = useState<string | undefined>(reasons[why])
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const text = new FormData(event.currentTarget).get('token')
    const read = readTokenText(typeof text === 'string' ? text : '')
    if ('problem' in read) setProblem(read.problem)
    else onToken(read.token)
  }
  return (
    <main className={styles.page}>
      <title>Sign in · Twincast</title>
      <form className={styles.card} onSubmit={submit} noValidate>
        <p className={styles.brand}>
          <Logo /> Twincast
        </p>
        <h1>Sign in with a token</h1>
        <p>This hub requires an access token. On the hub’s machine, run</p>
        <pre className={styles.command}>npm run -s token</pre>
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
    </main>
  )
}

/** A token is one line, however it wraps: Enter submits it. */
function submitOnEnter(event: KeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
  event.preventDefault()
  event.currentTarget.form?.requestSubmit()
}
