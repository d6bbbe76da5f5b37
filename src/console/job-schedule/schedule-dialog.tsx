import { type FormEvent, type ReactNode, useId, useRef, useState } from 'react'
import type { CreateJobScheduleInput } from '../../generated/console/graphql.ts'
import { useDenial } from '../hub/use-viewer.ts'
import { TemplateList } from '../job-template/template-list.tsx'
import { Button } from '../ui/button.tsx'
import { CancelButton, Dialog } from '../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../ui/domain-error.tsx'
import { type ControlProps, Field } from '../ui/field.tsx'
import { focusFirst } from '../ui/focus-first.ts'
import styles from '../ui/form.module.css'
import { ZoneList } from '../ui/zone-list.tsx'
import { describeCron } from './cron-words.ts'
import { problemIn, readSchedule, type ScheduleDraft, type ScheduleProblems } from './draft.ts'
import { missedWords, overlapWords } from './words.ts'

/** Asks for the members of a schedule. */
export function ScheduleDialog({
  title,
  start,
  isNew,
  confirm,
  note,
  save,
  onClose,
}: {
  readonly title: string
  readonly start: ScheduleDraft
  /** Whether it gets an ID. */
  readonly isNew: boolean
  /** The name of the button. */
  readonly confirm: string
  readonly note: ReactNode
  /** Returns why the hub has refused it; undefined when it is saved. */
  readonly save: (input: CreateJobScheduleInput) => Promise<DomainFailure | undefined>
  readonly onClose: () => void
}) {
  const denied = useDenial()('WRITE_JOBS')
  const [zones, templates] = [useId(), useId()]
  const form = useRef<HTMLFormElement>(null)
  const [before] = useState(start)
  const [draft, setDraft] = useState(before)
  const [isBusy, setIsBusy] = useState(false)
  const [problems, setProblems] = useState<ScheduleProblems>({})
  const [failure, setFailure] = useState<DomainFailure>()
  const change = (part: Partial<ScheduleDraft>): void => {
    setDraft({ ...draft, ...part })
    setProblems(Object.fromEntries(Object.entries(problems).filter(([name]) => !(name in part))))
  }
  const point = (found: ScheduleProblems): void => {
    setProblems(found)
    focusFirst(form.current, found)
  }
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setFailure(undefined)
    const read = readSchedule(draft)
    if ('problems' in read) {
      point(read.problems)
      return
    }
    setProblems({})
    setIsBusy(true)
    const refused = await save(read.input)
    setIsBusy(false)
    const placed = refused && problemIn(refused)
    if (placed) point(placed)
    else setFailure(refused)
  }
  const input = (name: 'scheduleId' | 'templateId' | 'cron' | 'timeZone' | 'description', maxLength: number) => ({
    value: draft[name],
    maxLength,
    autoComplete: 'off',
    autoCapitalize: 'none',
    spellCheck: false,
    onChange: ({ target }: { readonly target: HTMLInputElement }) => change({ [name]: target.value }),
  })
  return (
    <Dialog title={title} isEdited={JSON.stringify(draft) !== JSON.stringify(before)} onClose={onClose}>
      <form ref={form} className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
        <div className={styles.pair}>
          {isNew && (
            <Field
              name="scheduleId"
              label="Schedule ID"
              error={problems.scheduleId}
              hint="Up to 48 letters, digits and dashes. The IDs of its jobs begin with it."
            >
              {(props) => <input {...props} {...input('scheduleId', 48)} />}
            </Field>
          )}
          <Field
            name="templateId"
            label="Template"
            error={problems.templateId}
            hint="The ID of the template of its jobs."
          >
            {(props) => (
              <>
                <input {...props} {...input('templateId', 64)} list={templates} />
                <TemplateList id={templates} />
              </>
            )}
          </Field>
        </div>
        <div className={styles.pair}>
          <Field
            name="cron"
            label="Times (cron)"
            error={problems.cron}
            hint={describeCron(draft.cron) ?? 'Minute, hour, day of month, month and day of week.'}
          >
            {(props) => <input {...props} {...input('cron', 200)} />}
          </Field>
          <Field name="timeZone" label="Time zone" error={problems.timeZone} hint="Such as Europe/Berlin, or UTC.">
            {(props) => (
              <>
                <input {...props} {...input('timeZone', 64)} list={zones} />
                <ZoneList id={zones} />
              </>
            )}
          </Field>
        </div>
        <div className={styles.pair}>
          <Field label="When an earlier job has not ended">
            {(props) => (
              <Choice
                props={props}
                words={overlapWords}
                value={draft.onOverlap}
                onChange={(onOverlap) => change({ onOverlap })}
              />
            )}
          </Field>
          <Field label="When no hub ran at a time">
            {(props) => (
              <Choice
                props={props}
                words={missedWords}
                value={draft.onMissed}
                onChange={(onMissed) => change({ onMissed })}
              />
            )}
          </Field>
        </div>
        <Field
          name="endTime"
          label="End"
          optional
          error={problems.endTime}
          hint="In your time zone. No job is scheduled afterwards."
        >
          {(props) => (
            <input
              {...props}
              type="datetime-local"
              value={draft.endTime}
              onChange={({ target }) => change({ endTime: target.value })}
            />
          )}
        </Field>
        <Field name="description" label="Description" optional error={problems.description} hint="What it is for.">
          {(props) => <input {...props} {...input('description', 2_000)} spellCheck />}
        </Field>
        <p className={styles.note}>{note}</p>
        {failure && <DomainError error={failure} />}
        <div className={styles.actions}>
          <CancelButton />
          <Button type="submit" kind="primary" busy={isBusy} denied={denied}>
            {confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function Choice<Value extends string>({
  props,
  words,
  value,
  onChange,
}: {
  readonly props: ControlProps
  readonly words: Readonly<Record<Value, string>>
  readonly value: Value
  readonly onChange: (value: Value) => void
}) {
  const isValue = (name: string): name is Value => name in words
  const names = Object.keys(words).filter(isValue)
  return (
    <select {...props} value={value} onChange={({ target }) => isValue(target.value) && onChange(target.value)}>
      {names.map((name) => (
        <option key={name} value={name}>
          {words[name]}
        </option>
      ))}
    </select>
  )
}
