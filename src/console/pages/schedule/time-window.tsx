import { useId } from 'react'
import { ZoneList } from '../../ui/zone-list.tsx'
import { CheckList } from './check-list.tsx'
import { daysOfWeek } from './draft.ts'
import styles from './form.module.css'
import rows from './rows.module.css'
import type { StepProps } from './step.ts'
import { TextField } from './text-field.tsx'

/** When the devices may be disturbed: between two times of day, on some days. */
export function TimeWindow({ draft, problems, change }: StepProps) {
  const zones = useId()
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
          list={zones}
          {...{ draft, problems, change }}
        />
        <TextField
          name="windowTimeZoneFrom"
          label="Time zone of the device"
          hint="A path, such as tags.timeZone, at which each device names its own."
          {...{ draft, problems, change }}
        />
      </div>
      <ZoneList id={zones} />
      <CheckList
        name="windowDays"
        label="Opens on"
        options={daysOfWeek.map((value) => ({ value, word: `${value.charAt(0)}${value.slice(1).toLowerCase()}` }))}
        chosen={draft.windowDays}
        error={problems.windowDays}
        onChange={(windowDays) => change({ windowDays })}
      />
      <p className={styles.explanation}>Without a day, it opens every day.</p>
    </fieldset>
  )
}
