import { useState } from 'react'
import { useMutation } from 'urql'
import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { readInt } from '../../read-number.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { failureOf } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import { JobChangeLimitsDocument } from './documents.ts'
import { ReasonDialog } from './reason-dialog.tsx'

/** Asks how fast the job may go, and why. */
export function LimitsDialog({
  jobId,
  isMethod,
  rollout,
  onClose,
  onChanged,
}: {
  readonly jobId: string
  readonly isMethod: boolean
  readonly rollout: JobNowFragment['rollout']
  readonly onClose: () => void
  readonly onChanged: () => void
}) {
  const announce = useAnnounce()
  const [, changeLimits] = useMutation(JobChangeLimitsDocument)
  const [maxPerMinute, setMaxPerMinute] = useState(print(rollout?.maxPerMinute))
  const [maxConcurrent, setMaxConcurrent] = useState(print(rollout?.maxConcurrent))
  return (
    <ReasonDialog
      title="Change the limits of this job?"
      confirm="Change limits"
      keep="Keep limits"
      kind="primary"
      onClose={onClose}
      act={async (reason) => {
        const limits = { maxPerMinute: read(maxPerMinute), maxConcurrent: isMethod ? read(maxConcurrent) : null }
        const { maxPerMinute: rate, maxConcurrent: calls } = limits
        if (rate === undefined || calls === undefined) return notANumber
        const changed = { maxPerMinute: rate, ...(isMethod && { maxConcurrent: calls }) }
        const { data, error } = await changeLimits({
          input: { jobId, rollout: changed, ...(reason !== undefined && { reason }) },
        })
        const result = data?.updateJob
        if (result?.__typename !== 'UpdateJobPayload') return failureOf(result, error)
        announce('Limits changed.')
        onChanged()
        return undefined
      }}
    >
      <p>They apply from now on. Calls in progress go on.</p>
      <Field label="Devices per minute" optional hint="Leave empty for no limit.">
        {(props) => (
          <input
            {...props}
            inputMode="numeric"
            value={maxPerMinute}
            onChange={({ target }) => setMaxPerMinute(target.value)}
          />
        )}
      </Field>
      {isMethod && (
        <Field label="Calls in progress" optional hint="Leave empty for no limit.">
          {(props) => (
            <input
              {...props}
              inputMode="numeric"
              value={maxConcurrent}
              onChange={({ target }) => setMaxConcurrent(target.value)}
            />
          )}
        </Field>
      )}
    </ReasonDialog>
  )
}

const notANumber = { __typename: 'InvalidInputError', message: 'Enter whole numbers, or leave the fields empty.' }

const print = (limit: number | null | undefined): string => (limit == null ? '' : String(limit))

/** Null for no limit, undefined for a text that is no limit. */
const read = (text: string): number | null | undefined => (text.trim() === '' ? null : readInt(text))
