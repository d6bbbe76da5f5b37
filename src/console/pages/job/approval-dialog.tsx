import { useMutation } from 'urql'
import { useAnnounce } from '../../shell/announcer.tsx'
import { failureOf } from '../../ui/domain-error.tsx'
import { JobApproveDocument, JobRejectDocument } from './documents.ts'
import { ReasonDialog } from './reason-dialog.tsx'

type Asked = { readonly jobId: string; readonly onClose: () => void; readonly onChanged: () => void }

/** Asks whether to approve the job, and why. */
export function ApproveDialog({ jobId, onClose, onChanged }: Asked) {
  const announce = useAnnounce()
  const [, approve] = useMutation(JobApproveDocument)
  return (
    <ReasonDialog
      title="Approve this job?"
      confirm="Approve job"
      keep="Do not approve"
      kind="primary"
      right="APPROVE_JOBS"
      onClose={onClose}
      act={async (reason) => {
        const { data, error } = await approve({ input: { jobId, ...(reason !== undefined && { reason }) } })
        const result = data?.approveJob
        if (result?.__typename !== 'ApproveJobPayload') return failureOf(result, error)
        announce('Job approved.')
        onChanged()
        return undefined
      }}
    >
      <p>The job starts at its start time, or at once if that has passed.</p>
    </ReasonDialog>
  )
}

/** Asks whether to reject the job, and why. */
export function RejectDialog({ jobId, onClose, onChanged }: Asked) {
  const announce = useAnnounce()
  const [, reject] = useMutation(JobRejectDocument)
  return (
    <ReasonDialog
      title="Reject this job?"
      confirm="Reject job"
      keep="Do not reject"
      kind="danger"
      right="APPROVE_JOBS"
      onClose={onClose}
      act={async (reason) => {
        const { data, error } = await reject({ input: { jobId, ...(reason !== undefined && { reason }) } })
        const result = data?.rejectJob
        if (result?.__typename !== 'RejectJobPayload') return failureOf(result, error)
        announce('Job rejected.')
        onChanged()
        return undefined
      }}
    >
      <p>The job ends and will not start. No devices will be changed.</p>
    </ReasonDialog>
  )
}
