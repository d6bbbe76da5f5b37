import { formatDuration } from '../../format.ts'
import { Field } from '../../ui/field.tsx'
import { secondsOf, units } from './duration.ts'
import styles from './form.module.css'
import type { StepProps } from './step.ts'

/** The time that a job may take. */
export function TimeLimit({ draft, problems, change }: StepProps) {
  return (
    <div data-field="maxTime">
      <Field label="Time limit" error={problems.maxTime} hint={limitHint(draft.maxTime, draft.maxTimeUnit)}>
        {(control) => (
          <span className={styles.span}>
            <input
              {...control}
              inputMode="decimal"
              value={draft.maxTime}
              onChange={({ target }) => change({ maxTime: target.value })}
            />
            <select
              aria-label="Time limit unit"
              value={draft.maxTimeUnit}
              onChange={({ target }) => {
                const chosen = units.find(({ unit }) => unit === target.value)
                if (chosen !== undefined) change({ maxTimeUnit: chosen.unit })
              }}
            >
              {units.map(({ unit, word }) => (
                <option key={unit} value={unit}>
                  {word}
                </option>
              ))}
            </select>
          </span>
        )}
      </Field>
    </div>
  )
}

function limitHint(amount: string, unit: (typeof units)[number]['unit']): string {
  const seconds = secondsOf({ amount, unit })
  const limit = seconds === undefined ? 'within this time' : `after ${formatDuration(seconds)}`
  return `Devices not finished ${limit} are marked failed. Up to 30 days.`
}
