import type { JobDeviceFragment } from '../../../generated/console/graphql.ts'
import { formatDuration, formatRate } from '../../format.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { JsonView } from '../../ui/json-view.tsx'
import { DeviceJobBadge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import styles from './device-dialog.module.css'
import { stepsOf } from './time-line.ts'

/** What a job did on one device: its time line, and the response or the error. */
export function DeviceDialog({
  row,
  selectedTime,
  isMethod,
  onClose,
}: {
  readonly row: JobDeviceFragment
  readonly selectedTime: string | null
  readonly isMethod: boolean
  readonly onClose: () => void
}) {
  const { deviceId, result, skipped, outcome, error } = row
  return (
    <Dialog title={`${deviceId} in this job`} onClose={onClose}>
      <p>
        <DeviceJobBadge result={result} skipped={skipped} />
      </p>
      <ol className={styles.steps} aria-label="Time line">
        {stepsOf(row, { selectedTime, isMethod }).map(({ word, time, seconds }) => (
          <li key={word}>
            <span className={styles.word}>{word}</span>
            {time === null ? '–' : <Time value={time} absolute />}
            {seconds !== null && <span className={styles.after}>after {describeSpan(seconds)}</span>}
          </li>
        ))}
      </ol>
      {outcome && (
        <>
          <p>Status {outcome.status}</p>
          {outcome.payload !== null && <JsonView value={outcome.payload} label="Response payload" isCopied />}
        </>
      )}
      {error && (
        <p>
          <code>{error.code}</code> {error.description}
        </p>
      )}
    </Dialog>
  )
}

/** Fractions count in short ones: `0.25 s`. */
function describeSpan(seconds: number): string {
  return seconds < 60 ? `${formatRate(seconds)} s` : formatDuration(seconds)
}
