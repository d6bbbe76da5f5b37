import { useNavigate } from 'react-router'
import { useMutation } from 'urql'
import {
  JobScheduleDeleteDocument,
  JobSchedulePauseDocument,
  JobScheduleResumeDocument,
} from '../../job-schedule/documents.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { ConfirmDialog } from '../../shell/confirm-dialog.tsx'

type Asked = { readonly scheduleId: string; readonly onClose: () => void }

/** Asks whether to pause a schedule. */
export function PauseDialog({ scheduleId, onClose }: Asked) {
  const announce = useAnnounce()
  const [, pause] = useMutation(JobSchedulePauseDocument)
  return (
    <ConfirmDialog
      title="Pause this schedule?"
      action="Pause schedule"
      kind="primary"
      right="WRITE_JOBS"
      onClose={onClose}
      run={async () => {
        const { data, error } = await pause({ input: { scheduleId } })
        return { result: data?.pauseJobSchedule, error }
      }}
      isDone={({ __typename }) => __typename === 'PauseJobSchedulePayload'}
      onDone={() => {
        announce('Schedule paused.')
        onClose()
      }}
    >
      <p>It schedules no jobs until it is resumed. Jobs that it has scheduled go on.</p>
    </ConfirmDialog>
  )
}

/** Asks whether to resume a schedule. */
export function ResumeDialog({ scheduleId, onClose }: Asked) {
  const announce = useAnnounce()
  const [, resume] = useMutation(JobScheduleResumeDocument)
  return (
    <ConfirmDialog
      title="Resume this schedule?"
      action="Resume schedule"
      kind="primary"
      right="WRITE_JOBS"
      onClose={onClose}
      run={async () => {
        const { data, error } = await resume({ input: { scheduleId } })
        return { result: data?.resumeJobSchedule, error }
      }}
      isDone={({ __typename }) => __typename === 'ResumeJobSchedulePayload'}
      onDone={() => {
        announce('Schedule resumed.')
        onClose()
      }}
    >
      <p>
        It goes on with the next planned time. From then on, its jobs are scheduled on your behalf, for the same devices
        as before.
      </p>
    </ConfirmDialog>
  )
}

/** Asks whether to delete a schedule, and leads to the list. */
export function DeleteDialog({ scheduleId, onClose }: Asked) {
  const announce = useAnnounce()
  const navigate = useNavigate()
  const [, remove] = useMutation(JobScheduleDeleteDocument)
  return (
    <ConfirmDialog
      title="Delete this schedule?"
      action="Delete schedule"
      kind="danger"
      right="WRITE_JOBS"
      onClose={onClose}
      run={async () => {
        const { data, error } = await remove({ input: { scheduleId } })
        return { result: data?.deleteJobSchedule, error }
      }}
      // One that is already gone is as good as deleted.
      isDone={({ __typename }) => __typename === 'DeleteJobSchedulePayload' || __typename === 'NotFoundError'}
      onDone={() => {
        announce('Schedule deleted.')
        void navigate('/schedules')
      }}
    >
      <p>The list of its runs is deleted, too. Its jobs stay. This can’t be undone.</p>
    </ConfirmDialog>
  )
}
