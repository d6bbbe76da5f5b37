import { useMutation } from 'urql'
import { formatDevices } from '../../format.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { failureOf } from '../../ui/domain-error.tsx'
import { JobPauseDocument, JobResumeDocument } from './documents.ts'
import { ReasonDialog } from './reason-dialog.tsx'

type Asked = { readonly jobId: string; readonly onClose: () => void; readonly onChanged: () => void }

/** Asks whether to pause the job, and why. */
export function PauseDialog({ jobId, onClose, onChanged }: Asked) {
  const announce = useAnnounce()
  const [, pause] = useMutation(JobPauseDocument)
  return (
    <ReasonDialog
      title="Pause this job?"
      confirm="Pause job"
      keep="Do not pause"
      kind="primary"
      onClose={onClose}
      act={async (reason) => {
        const { data, error } = await pause({ input: { jobId, ...(reason !== undefined && { reason }) } })
        const result = data?.pauseJob
        if (result?.__typename !== 'PauseJobPayload') return failureOf(result, error)
        const count = result.callsInProgress
        announce(count === 0 ? 'Job paused.' : `Job paused. ${formatDevices(count)} may still respond.`)
        onChanged()
        return undefined
      }}
    >
      <p>
        No further devices will be contacted until somebody resumes the job. Devices with a pending call may still
        respond. The deadline stays: when it passes, the job ends.
      </p>
    </ReasonDialog>
  )
}

/** Asks whether to resume the job, and why. */
export function ResumeDialog({ jobId, onClose, onChanged }: Asked) {
  const announce = useAnnounce()
  const [, resume] = useMutation(JobResumeDocument)
  return (
    <ReasonDialog
      title="Resume this job?"
      confirm="Resume job"
      keep="Keep paused"
      kind="primary"
      onClose={onClose}
      act={async (reason) => {
        const { data, error } = await resume({ input: { jobId, ...(reason !== undefined && { reason }) } })
        const result = data?.resumeJob
        if (result?.__typename !== 'ResumeJobPayload') return failureOf(result, error)
        announce('Job resumed.')
        onChanged()
        return undefined
      }}
    >
      <p>The job goes on with the devices that have not been contacted. No device is called twice.</p>
    </ReasonDialog>
  )
}
