import { Field } from '../../ui/field.tsx'
import { daysOfWeek } from './draft.ts'
import styles from './form.module.css'
import rows from './rows.module.css'
import type { StepProps } from './step.ts'

/** When the devices may be disturbed: between two times of day, on some days. */
export function TimeWindow({ draft, problems, change }: StepProps) {
  const { windowDays: days } = draft
  return (
    <fieldset className={rows.list}>
      <legend>Time window</legend>
      <p className={styles.explanation}>
        Devices have their turn only between these times of day. Leave all fields empty for any time.
      </p>
      <div className={styles.pair}>
        <TextField name="windowFrom" label="Opens at" hint="Such as 22:00." {...{ draft, problems, change }} />
        <TextField
          name="windowTo"
          label="Closes at"
          hint="Such as 06:00, which is on the next day if it is earlier."
          {...{ draft, problems, change }}
        />
      </div>
      <div className={styles.pair}>
        <TextField
          name="windowTimeZone"
          label="Time zone"
          hint="Such as Europe/Berlin: for all devices, or for those without one of their own."
          {...{ draft, problems, change }}
        />
        <TextField
          name="windowTimeZoneFrom"
          label="Time zone of the device"
          hint="A path, such as tags.timeZone, at which each device names its own."
          {...{ draft, problems, change }}
        />
      </div>
      <fieldset data-field="windowDays" className={rows.checks}>
        <legend>Opens on</legend>
        {daysOfWeek.map((day) => (
          <label key={day}>
            <input
              type="checkbox"
              checked={days.includes(day)}
              onChange={({ target }) =>
                change({
                  windowDays: daysOfWeek.filter((other) => (other === day ? target.checked : days.includes(other))),
                })
              }
            />
            {`${day.charAt(0)}${day.slice(1).toLowerCase()}`}
          </label>
        ))}
      </fieldset>
      <p className={styles.explanation}>Without a day, it opens every day.</p>
    </fieldset>
  )
}

function TextField({
  name,
  label,
  hint,
  draft,
  problems,
  change,
}: StepProps & {
  readonly name: 'windowFrom' | 'windowTo' | 'windowTimeZone' | 'windowTimeZoneFrom'
  readonly label: string
  readonly hint: string
}) {
  return (
    <div data-field={name}>
      <Field label={label} optional error={problems[name]} hint={hint}>
        {(control) => (
          <input
            {...control}
            spellCheck={false}
            value={draft[name]}
            onChange={({ target }) => change({ [name]: target.value })}
          />
        )}
      </Field>
    </div>
  )
}
