import { type ReactNode, useState } from 'react'
import { useMutation } from 'urql'
import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { failureOf } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import { JobUpdateDocument } from './documents.ts'
import { type LimitTexts, printLimits, readLimitsChange } from './limits-change.ts'
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
  const [, update] = useMutation(JobUpdateDocument)
  // Those of the moment when the dialog was opened: what differs from them was typed here.
  const [before] = useState(() => printLimits(rollout))
  const [typed, setTyped] = useState(before)
  const [groupBy] = useState(rollout?.budget?.groupBy)
  const limit = (name: keyof LimitTexts, label: string, hint: ReactNode, isOptional: boolean): ReactNode => (
    <Field label={label} optional={isOptional} hint={hint}>
      {(props) => (
        <input
          {...props}
          inputMode="numeric"
          value={typed[name]}
          onChange={({ target }) => setTyped({ ...typed, [name]: target.value })}
        />
      )}
    </Field>
  )
  return (
    <ReasonDialog
      title="Change the limits of this job?"
      confirm="Change limits"
      keep="Keep limits"
      kind="primary"
      isEdited={Object.values(typed).join('/') !== Object.values(before).join('/')}
      onClose={onClose}
      act={async (reason) => {
        const read = readLimitsChange(before, typed)
        if ('problem' in read) return { __typename: 'InvalidInputError', message: read.problem }
        const { data, error } = await update({
          input: { jobId, rollout: read.change, ...(reason !== undefined && { reason }) },
        })
        const result = data?.updateJob
        if (result?.__typename !== 'UpdateJobPayload') return failureOf(result, error)
        announce('Limits changed.')
        onChanged()
        return undefined
      }}
    >
      <p>They apply from now on. Calls in progress go on.</p>
      {limit('maxPerMinute', 'Devices per minute', 'Leave empty for no limit.', true)}
      {isMethod && limit('maxConcurrent', 'Calls in progress', 'Leave empty for no limit.', true)}
      {groupBy !== undefined &&
        limit('budgetMaxConcurrent', 'Calls per group', `Devices are grouped by ${groupBy}.`, false)}
    </ReasonDialog>
  )
}
