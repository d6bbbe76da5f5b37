import { useEffect } from 'react'
import { Link } from 'react-router'
import { ConditionEditor } from '../../condition/editor.tsx'
import { describeFault } from '../../condition/fault.ts'
import { formatCount } from '../../format.ts'
import { describeOnOverlap, overlapPolicies } from '../../on-overlap.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Panel } from '../../shell/page.tsx'
import { describeTargets, jobTargets } from '../../targets.ts'
import { Button } from '../../ui/button.tsx'
import { classes } from '../../ui/classes.ts'
import { Field } from '../../ui/field.tsx'
import { DeviceSample } from './device-sample.tsx'
import styles from './devices-step.module.css'
import type { StepProps } from './step.ts'
import { describeCount } from './summary.ts'
import type { Matching } from './use-matching.ts'

/** When the devices are selected, as choices. */
const choices = { AT_START: 'At the start', AT_CREATION: 'At the creation', CONTINUOUS: 'Continuous' } as const

/** What a job does about others, as choices. */
const overlapChoices = { PARALLEL: 'Start all the same', QUEUE: 'Wait for them', REFUSE: 'Refuse the job' } as const

/** How many devices are shown while a condition is typed. */
const shown = 4

/** The step that selects devices: the condition, and the devices that match it now. */
export function DevicesStep({
  draft,
  problems,
  change,
  matching,
  onEditing,
}: StepProps & {
  readonly matching: Matching
  /** Called when the editor of the condition gets or loses the focus. */
  readonly onEditing: (isEdited: boolean) => void
}) {
  const announce = useAnnounce()
  const failure = matching.isUnfinished ? undefined : matching.failure
  const message = failure && (failure.fault ? describeFault(failure.fault, draft.condition) : failure.message)
  useEffect(() => {
    if (message !== undefined) announce(`Condition: ${message}`)
  }, [message, announce])
  const live = problems.condition === undefined ? message : undefined

  return (
    <Panel title="1. Devices">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it only listens to the editor inside. */}
      <div
        data-field="condition"
        className={styles.field}
        onFocus={() => onEditing(true)}
        onBlur={() => onEditing(false)}
      >
        <Field
          label="Target devices"
          error={problems.condition}
          hint={
            live === undefined ? (
              <>
                Example: <code>tags.site = 'north' AND properties.reported.battery &lt; 20</code>.{' '}
                <span className={styles.keyboard}>Press Ctrl+Space for suggestions.</span>
              </>
            ) : (
              <span className={styles.failure}>{live}</span>
            )
          }
        >
          {(control) => (
            <ConditionEditor
              {...control}
              label="Condition"
              aria-invalid={live === undefined ? control['aria-invalid'] : true}
              value={draft.condition}
              onChange={(condition) => change({ condition })}
              fault={failure?.fault}
            />
          )}
        </Field>
      </div>
      {draft.condition.trim() === '' ? (
        <p className={styles.empty}>
          <Button onClick={() => change({ condition: '*' })}>All devices</Button>
          <span>or enter a condition to see the matching devices here.</span>
        </p>
      ) : (
        <Matches matching={matching} condition={draft.condition} />
      )}
      <div data-field="targets">
        <Field label="Selection" error={problems.targets} hint={describeTargets(draft.targets)}>
          {(control) => (
            <select
              {...control}
              value={draft.targets}
              onChange={({ target }) => {
                const chosen = jobTargets.find((targets) => targets === target.value)
                if (chosen !== undefined) change({ targets: chosen })
              }}
            >
              {jobTargets.map((targets) => (
                <option key={targets} value={targets}>
                  {choices[targets]}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      {draft.targets !== 'CONTINUOUS' && (
        <div data-field="onOverlap">
          <Field
            label="When other jobs have some of the devices"
            error={problems.onOverlap}
            hint={describeOnOverlap(draft.onOverlap)}
          >
            {(control) => (
              <select
                {...control}
                value={draft.onOverlap}
                onChange={({ target }) => {
                  const chosen = overlapPolicies.find((policy) => policy === target.value)
                  if (chosen !== undefined) change({ onOverlap: chosen })
                }}
              >
                {overlapPolicies.map((policy) => (
                  <option key={policy} value={policy}>
                    {overlapChoices[policy]}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
      )}
    </Panel>
  )
}

function Matches({ matching, condition }: { readonly matching: Matching; readonly condition: string }) {
  const { match, isPresent, isAsking, isUnfinished, failure, retry } = matching
  if (isUnfinished) {
    return (
      <div className={styles.matches}>
        <p className={styles.empty}>Complete the condition to see the matching devices.</p>
      </div>
    )
  }
  // A failed request is not the fault of the condition, and may succeed the next time.
  const canRetry = failure !== undefined && failure.fault === undefined && !isAsking
  if (match === undefined) {
    return (
      <div className={styles.matches}>
        <p className={styles.empty}>
          {isAsking ? 'Finding devices…' : 'The matching devices could not be determined.'}
          {canRetry && <Button onClick={retry}>Try again</Button>}
        </p>
      </div>
    )
  }
  const { deviceCount, connectedCount } = match
  const devices = match.devices?.slice(0, shown) ?? []
  return (
    <div className={styles.matches} aria-busy={isAsking}>
      <div className={classes(styles.found, !isPresent && styles.old)}>
        <p className={styles.count} role="status">
          <strong>{describeCount(deviceCount)}</strong> {deviceCount.value === 1 ? 'device' : 'devices'}
          <span className={styles.muted}>
            {describeCount(connectedCount)} connected
            {!isPresent && !isAsking && ' · for the previous condition'}
          </span>
        </p>
        {devices.length > 0 && <DeviceSample label="Matching devices" devices={devices} />}
        {devices.length > 0 && deviceCount.value > devices.length && (
          <p className={styles.more}>
            <Link to={`/devices?${new URLSearchParams({ condition })}`}>
              {deviceCount.precision === 'EXACT'
                ? `View ${formatCount(deviceCount.value - devices.length)} more in Devices`
                : 'View more in Devices'}
            </Link>
          </p>
        )}
        {deviceCount.value === 0 && deviceCount.precision === 'EXACT' && (
          <p className={styles.muted}>
            No matching devices. Text is case-sensitive, and a comparison with a tag or property that a device does not
            have is never true.
          </p>
        )}
      </div>
      {canRetry && <Button onClick={retry}>Try again</Button>}
    </div>
  )
}
