import { momentOf } from '../../local-time.ts'
import { Panel } from '../../shell/page.tsx'
import { Field } from '../../ui/field.tsx'
import { useNow } from '../../ui/time.tsx'
import { formatAhead, formatUtc, proposeStart } from './date-time-input.ts'
import styles from './form.module.css'
import { IdField } from './id-field.tsx'
import type { StepProps } from './step.ts'
import { TimeLimit } from './time-limit.tsx'

/** The step that sets when the job starts, how long it may take, and its ID. */
export function WhenStep({ draft, problems, change }: StepProps) {
  return (
    <Panel title="3. When">
      <fieldset className={styles.choices}>
        <legend className="hidden">Start</legend>
        <label className={styles.choice}>
          <input type="radio" name="start" checked={draft.start === 'now'} onChange={() => change({ start: 'now' })} />
          <strong>Now</strong>
        </label>
        <label className={styles.choice}>
          <input
            type="radio"
            name="start"
            checked={draft.start === 'later'}
            onChange={() => change({ start: 'later', startAt: draft.startAt || proposeStart(Date.now()) })}
          />
          <strong>Later</strong>
        </label>
      </fieldset>
      {draft.start === 'later' && (
        <div data-field="startAt">
          <Field label="Start" error={problems.startAt} hint={<StartHint startAt={draft.startAt} />}>
            {(control) => (
              <input
                {...control}
                type="datetime-local"
                className={styles.moment}
                value={draft.startAt}
                onChange={({ target }) => change({ startAt: target.value })}
              />
            )}
          </Field>
        </div>
      )}
      <div className={styles.pair}>
        <TimeLimit draft={draft} problems={problems} change={change} />
        <div data-field="jobId">
          <IdField
            noun="Job"
            otherwise="Leave empty to generate one."
            draft={draft}
            problems={problems}
            change={change}
          />
        </div>
      </div>
    </Panel>
  )
}

/** The moment in UTC, and how far ahead it is. */
function StartHint({ startAt }: { readonly startAt: string }) {
  const now = useNow(10_000)
  const moment = momentOf(startAt)
  if (moment === undefined) return 'In your time zone, up to 30 days ahead.'
  return `${formatUtc(moment)}, ${formatAhead(moment, now) ?? 'in the past: the job starts immediately'}.`
}
