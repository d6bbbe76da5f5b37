import { CheckList } from './check-list.tsx'
import { repeatedCodes } from './draft.ts'
import styles from './form.module.css'
import rows from './rows.module.css'
import type { StepProps } from './step.ts'
import { TextField } from './text-field.tsx'

const words = {
  GatewayTimeout: 'Timed out (GatewayTimeout)',
  OutcomeUnknown: 'Unknown outcome, because the hub was stopped (OutcomeUnknown)',
  BadDeviceResponse: 'Response that cannot be read (BadDeviceResponse)',
} as const

/** How often a device is called when calls fail, and after which of the failures. */
export function RetryPolicy(step: StepProps) {
  const { draft, problems, change } = step
  const isRepeated = draft.retryAttempts.trim() !== ''
  return (
    <fieldset className={rows.list}>
      <legend>Repeated calls</legend>
      <p className={styles.explanation}>
        The same device is called again after some failures. A device may have carried out a call that failed, so what
        the method does must be safe to do twice.
      </p>
      <div className={styles.pair}>
        <TextField
          {...step}
          name="retryAttempts"
          label="Attempts per device"
          hint="2 to 10, with the first. Leave empty to call each device once."
          mode="numeric"
        />
        {isRepeated && (
          <TextField
            {...step}
            name="retryStatuses"
            label="Repeat after response statuses"
            hint="400 or more, such as 429, 503."
          />
        )}
      </div>
      {isRepeated && (
        <>
          <CheckList
            name="retryCodes"
            label="Repeat after"
            options={repeatedCodes.map((value) => ({ value, word: words[value] }))}
            chosen={draft.retryCodes}
            error={problems.retryCodes}
            onChange={(retryCodes) => change({ retryCodes })}
          />
          <div className={rows.fields}>
            <TextField {...step} name="retryBackoff" label="First wait (s)" hint="Before attempt 2." mode="numeric" />
            <TextField
              {...step}
              name="retryFactor"
              label="Factor"
              hint="Each further wait is so many times as long."
              mode="decimal"
            />
            <TextField {...step} name="retryMaxBackoff" label="Longest wait (s)" hint="Up to a day." mode="numeric" />
          </div>
        </>
      )}
    </fieldset>
  )
}
