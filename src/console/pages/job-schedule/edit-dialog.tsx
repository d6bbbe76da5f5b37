import { useState } from 'react'
import { useMutation } from 'urql'
import type { JobScheduleNowFragment } from '../../../generated/console/graphql.ts'
import { JobScheduleUpdateDocument } from '../../job-schedule/documents.ts'
import { draftFromSchedule, scheduleChange } from '../../job-schedule/draft.ts'
import { ScheduleDialog } from '../../job-schedule/schedule-dialog.tsx'
import { useAnnounce } from '../../shell/announcer.tsx'
import { failureOf } from '../../ui/domain-error.tsx'

/** Changes a schedule. */
export function EditDialog({
  schedule,
  onClose,
}: {
  readonly schedule: JobScheduleNowFragment
  readonly onClose: () => void
}) {
  const announce = useAnnounce()
  const [, update] = useMutation(JobScheduleUpdateDocument)
  // A schedule that changes while it is edited is not the one that is edited.
  const [{ scheduleId, etag }] = useState(schedule)
  const [start] = useState(() => draftFromSchedule(schedule))
  return (
    <ScheduleDialog
      title={`Edit schedule ${scheduleId}`}
      start={start}
      isNew={false}
      confirm="Save"
      note="From then on, its jobs are scheduled on your behalf. Jobs that it has scheduled stay as they are."
      onClose={onClose}
      save={async (input) => {
        const { data, error } = await update({ input: { scheduleId, ifMatch: etag, ...scheduleChange(start, input) } })
        const result = data?.updateJobSchedule
        if (result?.__typename !== 'UpdateJobSchedulePayload') return failureOf(result, error)
        announce('Schedule changed.')
        onClose()
        return undefined
      }}
    />
  )
}
