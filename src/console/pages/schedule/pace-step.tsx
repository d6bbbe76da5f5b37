import { FoldedPanel } from '../../shell/folded-panel.tsx'
import { Field } from '../../ui/field.tsx'
import { AbortRules } from './abort-rules.tsx'
import styles from './form.module.css'
import type { StepProps } from './step.ts'
import { describeDraftedPace, isPaced } from './summary.ts'
import { TimeWindow } from './time-window.tsx'
import { Waves } from './waves.tsx'

/** How fast the job proceeds, and when it stops by itself. */
export function PaceStep({ draft, problems, change }: StepProps) {
  return (
    <FoldedPanel title="Pace and safety" summary={describeDraftedPace(draft)} isOpenAtFirst={isPaced(draft)}>
      <div className={styles.pair}>
        <div data-field="maxPerMinute">
          <Field
            label="Devices per minute"
            optional
            error={problems.maxPerMinute}
            hint="At most as many are contacted in any minute. Leave empty for no limit."
          >
            {(control) => (
              <input
                {...control}
                inputMode="numeric"
                value={draft.maxPerMinute}
                onChange={({ target }) => change({ maxPerMinute: target.value })}
              />
            )}
          </Field>
        </div>
        {draft.operation === 'method' && (
          <div data-field="maxConcurrent">
            <Field
              label="Calls in progress"
              optional
              error={problems.maxConcurrent}
              hint="At most as many devices have a call at a time. Leave empty for no limit."
            >
              {(control) => (
                <input
                  {...control}
                  inputMode="numeric"
                  value={draft.maxConcurrent}
                  onChange={({ target }) => change({ maxConcurrent: target.value })}
                />
              )}
            </Field>
          </div>
        )}
      </div>
      {draft.operation === 'method' && (
        <div className={styles.pair}>
          <div data-field="budgetGroupBy">
            <Field
              label="Group devices by"
              optional
              error={problems.budgetGroupBy}
              hint="A path, such as tags.site, to disturb few devices of each group at a time."
            >
              {(control) => (
                <input
                  {...control}
                  spellCheck={false}
                  value={draft.budgetGroupBy}
                  onChange={({ target }) => change({ budgetGroupBy: target.value })}
                />
              )}
            </Field>
          </div>
          <div data-field="budgetMaxConcurrent">
            <Field
              label="Calls per group"
              optional
              error={problems.budgetMaxConcurrent}
              hint="At most as many devices of a group have a call at a time."
            >
              {(control) => (
                <input
                  {...control}
                  inputMode="numeric"
                  value={draft.budgetMaxConcurrent}
                  onChange={({ target }) => change({ budgetMaxConcurrent: target.value })}
                />
              )}
            </Field>
          </div>
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
      <TimeWindow draft={draft} problems={problems} change={change} />
      <Waves draft={draft} problems={problems} change={change} />
      <AbortRules draft={draft} problems={problems} change={change} />
    </FoldedPanel>
  )
}
