import { useMutation } from 'urql'
import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { formatCount } from '../../format.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { failureOf } from '../../ui/domain-error.tsx'
import { JobCancelDocument } from './documents.ts'
import { describeCancelling } from './job-now.ts'
import { ReasonDialog } from './reason-dialog.tsx'

/** Asks whether to cancel the job, and why. */
export function CancelDialog({
  jobId,
  now,
  onClose,
  onCancelled,
}: {
  readonly jobId: string
  readonly now: JobNowFragment
  readonly onClose: () => void
  readonly onCancelled: () => void
}) {
  const announce = useAnnounce()
  const [, cancel] = useMutation(JobCancelDocument)
  return (
    <ReasonDialog
      title="Cancel this job?"
      confirm="Cancel job"
      keep={now.startedTime === null ? 'Keep job' : 'Keep running'}
      kind="danger"
      onClose={onClose}
      act={async (reason) => {
        const { data, error } = await cancel({ input: { jobId, ...(reason !== undefined && { reason }) } })
        const result = data?.cancelJob
        if (result?.__typename !== 'CancelJobPayload') return failureOf(result, error)
        announce('Job cancelled.')
        onCancelled()
        return undefined
      }}
    >
      <p>{describeCancelling(now, formatCount)}</p>
    </ReasonDialog>
  )
}
