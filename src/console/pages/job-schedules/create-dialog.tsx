import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation } from 'urql'
import { JobScheduleCreateDocument } from '../../job-schedule/documents.ts'
import { draftIn } from '../../job-schedule/draft.ts'
import { ScheduleDialog } from '../../job-schedule/schedule-dialog.tsx'
import { useAnnounce } from '../../shell/announcer.tsx'
import { failureOf } from '../../ui/domain-error.tsx'

const hereZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** Creates a schedule, and leads to its page. */
export function CreateDialog({
  templateId,
  onClose,
}: {
  /** The template to begin with; empty for none. */
  readonly templateId: string
  readonly onClose: () => void
}) {
  const announce = useAnnounce()
  const navigate = useNavigate()
  const [, create] = useMutation(JobScheduleCreateDocument)
  const [start] = useState(() => draftIn(hereZone(), templateId))
  return (
    <ScheduleDialog
      title="Create schedule"
      start={start}
      isNew
      confirm="Create"
      note="Its jobs are scheduled on your behalf. Before each of them, the hub checks what you may do then."
      onClose={onClose}
      save={async (input) => {
        const { data, error } = await create({ input })
        const result = data?.createJobSchedule
        if (result?.__typename !== 'CreateJobSchedulePayload') return failureOf(result, error)
        announce('Schedule created.')
        await navigate(`/schedules/${encodeURIComponent(input.scheduleId)}`)
        return undefined
      }}
    />
  )
}
