import { FoldedPanel } from '../../shell/folded-panel.tsx'
import { AbortRules } from './abort-rules.tsx'
import styles from './form.module.css'
import { rampFieldsOf } from './ramp-texts.ts'
import { RetryPolicy } from './retry-policy.tsx'
import type { StepProps } from './step.ts'
import { describeDraftedPace, isPaced } from './summary.ts'
import { TextField } from './text-field.tsx'
import { TimeWindow } from './time-window.tsx'
import { Waves } from './waves.tsx'

/** How fast the job proceeds, and when it stops by itself. */
export function PaceStep(step: StepProps) {
  const { draft, change } = step
  const isMethod = draft.operation === 'method'
  return (
    <FoldedPanel title="Pace and safety" summary={describeDraftedPace(draft)} isOpenAtFirst={isPaced(draft)}>
      <div className={styles.pair}>
        <TextField
          {...step}
          name="maxPerMinute"
          label="Devices per minute"
          hint="The most that are contacted in any minute. Leave empty for no limit."
          mode="numeric"
        />
        {rampFieldsOf(draft).map((field) => (
          <TextField key={field.name} {...step} {...field} isOptional={field.name !== 'rampAfterSucceeded'} />
        ))}
        {isMethod && (
          <TextField
            {...step}
            name="maxConcurrent"
            label="Calls in progress"
            hint="The most devices that have a call at a time. Leave empty for no limit."
            mode="numeric"
          />
        )}
      </div>
      {isMethod && (
        <div className={styles.pair}>
          <TextField
            {...step}
            name="budgetGroupBy"
            label="Group devices by"
            hint="A path, such as tags.site, to disturb few devices of each group at a time."
          />
          <TextField
            {...step}
            name="budgetMaxConcurrent"
            label="Calls per group"
            hint="The most devices of a group that have a call at a time."
            mode="numeric"
          />
        </div>
      )}
      <label className={styles.check}>
        <input
          type="checkbox"
          checked={draft.approval}
          onChange={({ target }) => change({ approval: target.checked })}
        />
        <span>
          <strong>Needs approval</strong>
          <span>The job starts only when somebody else has approved it.</span>
        </span>
      </label>
      {isMethod && <RetryPolicy {...step} />}
      <TimeWindow {...step} />
      <Waves {...step} />
      <AbortRules {...step} />
    </FoldedPanel>
  )
}
