import { type FormEvent, type KeyboardEvent, useState } from 'react'
import { Mark } from '../shell/mark.tsx'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import styles from './sign-in.module.css'
import { readTokenText } from './token-text.ts'

const reasons = {
  needed: undefined,
  refused: 'The hub did not accept this token. It may be of another hub, or of a key that was changed.',
  old: 'This token has expired. Make a new one.',
  expired: 'Your token has expired. Paste a new one to go on where you were.',
} as const

/** The page in the place of all others while the hub wants a token. */
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
          <Mark /> Twincast
        </p>
        <h1>Sign in with a token</h1>
        <p>This hub answers only to those who show a token of one of its access policies. On the hub’s machine run</p>
        <pre className={styles.command}>npm run -s token</pre>
        <p className={styles.note}>
          and paste what it prints. It is valid for an hour, <code>--hours 8</code> makes it last longer,{' '}
          <code>--policy service</code> lets it do less.
        </p>
        <Field label="Token" error={problem} hint="Kept in this browser tab only.">
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

/** A token is one line, however it is shown: Enter is done with it. */
function submitOnEnter(event: KeyboardEvent<HTMLTextAreaElement>): void {
  if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
  event.preventDefault()
  event.currentTarget.form?.requestSubmit()
}
