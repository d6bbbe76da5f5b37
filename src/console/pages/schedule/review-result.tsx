import { type ReactNode, useRef, useState } from 'react'
import type { ScheduleReviewFragment as Preview } from '../../../generated/console/graphql.ts'
import { formatCount, formatMinute } from '../../format.ts'
import { describeOnOverlap } from '../../on-overlap.ts'
import { readInt } from '../../read-number.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { Notice } from '../../ui/notice.tsx'
import lists from '../../ui/sentences.module.css'
import { useNow } from '../../ui/time.tsx'
import { formatUtc } from './date-time-input.ts'
import { DeviceSample } from './device-sample.tsx'
import { type Failure, FailureNote } from './failure-note.tsx'
import { Overlaps } from './overlaps.tsx'
import { type Expectation, type JobRequest, shortestConnectTimeout } from './request.ts'
import styles from './review-step.module.css'
import {
  describeCount,
  describeDevices,
  describeExpectedTime,
  describeJob,
  describeRollout,
  describeShortestTime,
  warningsOf,
} from './summary.ts'

/** A job that has a preview: its impact, and the button that schedules it on exactly these devices. */
export function Reviewed({
  request,
  preview,
  failure,
  denied,
  isScheduling,
  onReview,
  onSchedule,
  onWait,
}: {
  readonly request: JobRequest
  readonly preview: Preview
  readonly failure: Failure | undefined
  readonly denied: string | undefined
  readonly isScheduling: boolean
  readonly onReview: () => void
  readonly onSchedule: (expect: Expectation | undefined) => void
  /** Changes whether the job waits for devices that are offline, and reviews it again. */
  readonly onWait: (waits: boolean) => void
}) {
  const now = useNow(10_000)
  const { deviceCount, connectedCount, compliantCount, devices, overlaps, fingerprint } = preview
  const isCounted = deviceCount.precision === 'EXACT'
  const [limit, setLimit] = useState(isCounted ? String(deviceCount.value) : '')
  const maxDevices = readInt(limit)
  const limitField = useRef<HTMLDivElement>(null)
  const limitProblem = problemOfLimit(limit, maxDevices, preview)
  const waits = request.cloudToDeviceMethod?.connectTimeoutInSeconds !== shortestConnectTimeout
  // A continuous job always waits for its devices, which join at different times.
  const canWait = preview.maxOfflineWaitInSeconds !== null && request.targets !== 'CONTINUOUS'
  const drifted = failure?.is === 'drifted'
  const shortest = describeShortestTime(request, preview)
  return (
    <>
      <p className={styles.sentence}>{describeJob(request, preview)}</p>
      {warningsOf(request, preview, now).map((warning) => (
        <Notice key={warning} kind="warning">
          <p>{warning}</p>
        </Notice>
      ))}
      {fingerprint === null && (
        <Notice>
          <p>
            Not all devices could be counted in time. You can still schedule the job. The hub will then not check that
            the same devices match.
          </p>
        </Notice>
      )}
      <dl className={styles.facts}>
        <Fact name="Devices">{describeCount(deviceCount)}</Fact>
        <Fact name="Connected now">{describeCount(connectedCount)}</Fact>
        {compliantCount && (
          <Fact name={request.skipCompliant ? 'Up to date, skipped' : 'Already up to date'}>
            {describeCount(compliantCount)}
          </Fact>
        )}
        <Fact name="Estimated duration">{describeExpectedTime(preview)}</Fact>
        {shortest !== undefined && <Fact name="Shortest duration">{shortest}</Fact>}
        {request.rollout && (
          <Fact name="Pace and safety" isWide>
            <ul className={lists.sentences}>
              {describeRollout(request.rollout, preview.waveSizes).map((words) => (
                <li key={words}>{words}</li>
              ))}
            </ul>
          </Fact>
        )}
        {request.onOverlap !== undefined && (
          <Fact name="Other jobs on the devices" isWide>
            {describeOnOverlap(request.onOverlap)}
          </Fact>
        )}
        {request.startTime !== undefined && (
          <Fact name="Starts">
            {formatMinute(request.startTime)} <span className={styles.muted}>{formatUtc(request.startTime)}</span>
          </Fact>
        )}
      </dl>
      {canWait && (
        <label className={styles.option}>
          <input type="checkbox" checked={!waits} disabled={denied !== undefined} onChange={() => onWait(!waits)} /> Do
          not wait for offline devices
          {!waits && <span className={styles.muted}>They are marked failed.</span>}
        </label>
      )}
      {overlaps.length > 0 && <Overlaps overlaps={overlaps} />}
      {devices !== null && devices.length > 0 && (
        <details className={styles.devices}>
          <summary>
            {deviceCount.value > devices.length ? `First ${devices.length} devices` : 'Matching devices'}
          </summary>
          <DeviceSample label="Matching devices" devices={devices} />
        </details>
      )}
      <div ref={limitField} className={styles.limit}>
        <Field
          label="Stop if more than this many devices match"
          optional
          error={limitProblem}
          hint={`${
            request.targets === 'CONTINUOUS'
              ? 'Checked at the start only: devices that join later are not limited.'
              : 'Checked when the devices are selected.'
          } If more match then, the job fails and changes no device. Leave empty for no limit.`}
        >
          {(control) => (
            <input {...control} inputMode="numeric" value={limit} onChange={({ target }) => setLimit(target.value)} />
          )}
        </Field>
      </div>
      {failure && <FailureNote failure={failure} before={deviceCount.value} />}
      <div className={styles.actions}>
        <Button kind={drifted ? 'primary' : 'plain'} denied={denied} onClick={onReview}>
          Refresh review
        </Button>
        {!drifted && (
          <Button
            kind="primary"
            busy={isScheduling}
            denied={denied}
            onClick={() => {
              if (limitProblem !== undefined) {
                limitField.current?.querySelector('input')?.focus()
                return
              }
              onSchedule({
                ...(fingerprint === null ? {} : { fingerprint }),
                ...(maxDevices === undefined ? {} : { maxDevices }),
              })
            }}
          >
            Schedule on {describeDevices(deviceCount)}
          </Button>
        )}
      </div>
    </>
  )
}

function problemOfLimit(text: string, limit: number | undefined, { deviceCount }: Preview): string | undefined {
  if (text.trim() === '') return undefined
  if (limit === undefined) return 'Enter a whole number, or leave empty.'
  return limit < deviceCount.value ? `${formatCount(deviceCount.value)} devices match already.` : undefined
}

function Fact({
  name,
  isWide = false,
  children,
}: {
  readonly name: string
  readonly isWide?: boolean
  readonly children: ReactNode
}) {
  return (
    <div className={isWide ? styles.wide : undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
