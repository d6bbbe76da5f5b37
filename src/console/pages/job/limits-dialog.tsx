import { type ReactNode, useRef, useState } from 'react'
import { useMutation } from 'urql'
import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { failureOf } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import { focusFirst } from '../../ui/focus-first.ts'
import { rampFieldsOf } from '../schedule/ramp-texts.ts'
import styles from './dialogs.module.css'
import { JobUpdateDocument } from './documents.ts'
import {
  type LimitProblems,
  type LimitTexts,
  placeLimitRefusal,
  printLimits,
  readLimitsChange,
} from './limits-change.ts'
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
  const [problems, setProblems] = useState<LimitProblems>({})
  const [groupBy] = useState(rollout?.budget?.groupBy)
  const fields = useRef<HTMLDivElement>(null)
  const show = (found: LimitProblems): 'shown' => {
    setProblems(found)
    focusFirst(fields.current, found)
    return 'shown'
  }
  const limit = ({
    name,
    label,
    hint,
    mode = 'numeric',
    isOptional = true,
  }: {
    readonly name: keyof LimitTexts
    readonly label: string
    readonly hint: ReactNode
    readonly mode?: 'numeric' | 'decimal'
    readonly isOptional?: boolean
  }): ReactNode => (
    <Field key={name} name={name} label={label} optional={isOptional} error={problems[name]} hint={hint}>
      {(props) => (
        <input
          {...props}
          inputMode={mode}
          value={typed[name]}
          onChange={({ target }) => {
            setTyped({ ...typed, [name]: target.value })
            setProblems({})
          }}
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
        if ('problems' in read) return show(read.problems)
        if (Object.keys(read.change).length === 0) {
          return { __typename: 'InvalidInputError', message: 'You have not changed any limit.' }
        }
        const { data, error } = await update({
          input: { jobId, rollout: read.change, ...(reason !== undefined && { reason }) },
        })
        const result = data?.updateJob
        if (result?.__typename !== 'UpdateJobPayload') {
          const failure = failureOf(result, error)
          const found = failure && placeLimitRefusal(failure, typed)
          return found === undefined ? failure : show(found)
        }
        announce('Limits changed.')
        onChanged()
        return undefined
      }}
    >
      <p>
        They apply from now on. Calls in progress go on.
        {typed.rampFrom.trim() !== '' && ' The devices that have succeeded so far count for the raises.'}
      </p>
      <div ref={fields} className={styles.pair}>
        {limit({ name: 'maxPerMinute', label: 'Devices per minute', hint: 'Leave empty for no limit.' })}
        {rampFieldsOf(typed).map((field) => limit({ ...field, isOptional: field.name !== 'rampAfterSucceeded' }))}
        {isMethod && limit({ name: 'maxConcurrent', label: 'Calls in progress', hint: 'Leave empty for no limit.' })}
        {groupBy !== undefined &&
          limit({
            name: 'budgetMaxConcurrent',
            label: 'Calls per group',
            hint: `Devices are grouped by ${groupBy}.`,
            isOptional: false,
          })}
      </div>
    </ReasonDialog>
  )
}
