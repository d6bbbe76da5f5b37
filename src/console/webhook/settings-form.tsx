import { type FormEvent, useState } from 'react'
import { useDenial } from '../hub/use-viewer.ts'
import { Button } from '../ui/button.tsx'
import { CancelButton } from '../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../ui/domain-error.tsx'
import { Field } from '../ui/field.tsx'
import styles from '../ui/form.module.css'
import { readSettings, type Settings, type Typed } from './settings.ts'
import own from './settings-form.module.css'
import { events } from './words.ts'

/** The form for the settings of a webhook, in a dialog. */
export function SettingsForm({
  typed,
  onChange,
  busy,
  failure,
  submit,
  onSubmit,
}: {
  readonly typed: Typed
  readonly onChange: (typed: Typed) => void
  readonly busy: boolean
  /** Why the hub refused. */
  readonly failure: DomainFailure | undefined
  /** The name of the button. */
  readonly submit: string
  readonly onSubmit: (settings: Settings) => void
}) {
  const denied = useDenial()('MANAGE_WEBHOOKS')
  const [showsProblems, setShowsProblems] = useState(false)
  const read = readSettings(typed)
  const problems = showsProblems && 'problems' in read ? read.problems : {}
  const send = (event: FormEvent): void => {
    event.preventDefault()
    setShowsProblems(true)
    if (!('problems' in read)) onSubmit(read)
  }
  const text = (name: 'url' | 'share' | 'minimum' | 'description', maxLength: number) => ({
    value: typed[name],
    maxLength,
    autoComplete: 'off',
    spellCheck: false,
    onChange: ({ target }: { target: HTMLInputElement }) => onChange({ ...typed, [name]: target.value }),
  })
  return (
    <form className={styles.form} onSubmit={send} noValidate>
      <Field label="Address" error={problems.url} hint="Where the hub sends events, by POST. A public https: address.">
        {(props) => <input {...props} {...text('url', 2048)} inputMode="url" autoCapitalize="none" />}
      </Field>
      <fieldset className={own.events}>
        <legend>Events</legend>
        {events.map(({ value, word }) => (
          <label key={value}>
            <input
              type="checkbox"
              checked={typed.events.includes(value)}
              onChange={({ target }) =>
                onChange({
                  ...typed,
                  events: target.checked ? [...typed.events, value] : typed.events.filter((one) => one !== value),
                })
              }
            />{' '}
            {word}
          </label>
        ))}
        <p role="alert" className={own.problem}>
          {problems.events}
        </p>
      </fieldset>
      {typed.events.includes('JOB_THRESHOLD') && (
        <div className={styles.pair}>
          <Field label="Failures above (%)" error={problems.share} hint="Of the devices that have finished.">
            {(props) => <input {...props} {...text('share', 10)} inputMode="decimal" />}
          </Field>
          <Field label="Finished devices, at least" error={problems.minimum}>
            {(props) => <input {...props} {...text('minimum', 10)} inputMode="numeric" />}
          </Field>
        </div>
      )}
      <Field label="Description" optional hint="What it is for.">
        {(props) => <input {...props} {...text('description', 200)} />}
      </Field>
      {failure && <DomainError error={failure} />}
      <div className={styles.actions}>
        <CancelButton />
        <Button type="submit" kind="primary" busy={busy} denied={denied}>
          {submit}
        </Button>
      </div>
    </form>
  )
}
