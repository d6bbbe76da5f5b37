import { useMutation } from 'urql'
import type { ApproveJobInput, GateAction, RejectJobInput } from '../../../generated/console/graphql.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { failureOf } from '../../ui/domain-error.tsx'
import { JobApproveDocument, JobRejectDocument } from './documents.ts'
import { ReasonDialog } from './reason-dialog.tsx'

type Asked = {
  readonly jobId: string
  /** The wave whose opening waits for the approval, and what its rejection does; left out for the job itself. */
  readonly wave?: { readonly number: number; readonly onFailure: GateAction }
  readonly onClose: () => void
  readonly onChanged: () => void
}

/** Asks whether to approve the job or its next wave, and why. */
export function ApproveDialog({ jobId, wave, onClose, onChanged }: Asked) {
  const announce = useAnnounce()
  const [, approve] = useMutation(JobApproveDocument)
  return (
    <ReasonDialog
      title={wave ? `Approve wave ${wave.number}?` : 'Approve this job?'}
      confirm={wave ? `Approve wave ${wave.number}` : 'Approve job'}
      keep="Do not approve"
      kind="primary"
      right="APPROVE_JOBS"
      onClose={onClose}
      act={async (reason) => {
        const { data, error } = await approve({ input: inputOf(jobId, wave, reason) })
        const result = data?.approveJob
        if (result?.__typename !== 'ApproveJobPayload') return failureOf(result, error)
        announce(wave ? `Wave ${wave.number} approved.` : 'Job approved.')
        onChanged()
        return undefined
      }}
    >
      <p>
        {wave
          ? `Wave ${wave.number} is opened at once. An open wave cannot be closed again.`
          : 'The job starts at its start time, or at once if that has passed.'}
      </p>
    </ReasonDialog>
  )
}

/** Asks whether to reject the job or its next wave, and why. */
export function RejectDialog({ jobId, wave, onClose, onChanged }: Asked) {
  const announce = useAnnounce()
  const [, reject] = useMutation(JobRejectDocument)
  return (
    <ReasonDialog
      title={wave ? `Reject wave ${wave.number}?` : 'Reject this job?'}
      confirm={wave ? `Reject wave ${wave.number}` : 'Reject job'}
      keep="Do not reject"
      kind="danger"
      right="APPROVE_JOBS"
      onClose={onClose}
      act={async (reason) => {
        const { data, error } = await reject({ input: inputOf(jobId, wave, reason) })
        const result = data?.rejectJob
        if (result?.__typename !== 'RejectJobPayload') return failureOf(result, error)
        announce(wave ? `Wave ${wave.number} rejected.` : 'Job rejected.')
        onChanged()
        return undefined
      }}
    >
      <p>
        {wave
          ? `Wave ${wave.number} is not opened, and the job is ${wave.onFailure === 'CANCEL' ? 'cancelled' : 'paused'}.`
          : 'The job ends and will not start. No devices will be changed.'}
      </p>
    </ReasonDialog>
  )
}

/** With the wave that the question was about, 1 for the start: another one may wait by the time of the answer. */
const inputOf = (jobId: string, wave: Asked['wave'], reason: string | undefined): ApproveJobInput & RejectJobInput => ({
  jobId,
  wave: wave?.number ?? 1,
  ...(reason !== undefined && { reason }),
})
