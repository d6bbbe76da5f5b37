import { useState } from 'react'
import { useMutation } from 'urql'
import { formatDuration, formatPlanned } from '../../format.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { failureOf } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import { Time } from '../../ui/time.tsx'
import { JobUpdateDocument } from './documents.ts'
import { ReasonDialog } from './reason-dialog.tsx'

/** In seconds. */
const choices = [15 * 60, 3_600, 4 * 3_600, 24 * 3_600, 7 * 24 * 3_600]

/** Asks how much more time to give the job, and why. */
export function ExtendDialog({
  jobId,
  deadline,
  onClose,
  onChanged,
}: {
  readonly jobId: string
  readonly deadline: string
  readonly onClose: () => void
  readonly onChanged: () => void
}) {
  const announce = useAnnounce()
  const [, extend] = useMutation(JobUpdateDocument)
  const [seconds, setSeconds] = useState(3_600)
  return (
    <ReasonDialog
      title="Give this job more time?"
      confirm="Extend job"
      keep="Keep deadline"
      kind="primary"
      onClose={onClose}
      act={async (reason) => {
        const input = { jobId, extendBySeconds: seconds, ...(reason !== undefined && { reason }) }
        const { data, error } = await extend({ input })
        const result = data?.updateJob
        if (result?.__typename !== 'UpdateJobPayload') return failureOf(result, error)
        announce('Job extended.')
        onChanged()
        return undefined
      }}
    >
      <p>
        The deadline of the job is <Time value={deadline} describe={formatPlanned} />.
      </p>
      <Field label="Extend by">
        {(props) => (
          <select {...props} value={seconds} onChange={(event) => setSeconds(Number(event.target.value))}>
            {choices.map((choice) => (
              <option key={choice} value={choice}>
                {formatDuration(choice)}
              </option>
            ))}
          </select>
        )}
      </Field>
    </ReasonDialog>
  )
}
