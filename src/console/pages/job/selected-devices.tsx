import { useState } from 'react'
import type { JobDeviceFragment, JobNowFragment } from '../../../generated/console/graphql.ts'
import { idsCondition, whyTooLong } from '../../device/ids-condition.ts'
import { ScheduleForSelected } from '../../device/schedule-link.tsx'
import { formatDevices } from '../../format.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { Button } from '../../ui/button.tsx'
import type { Selection } from '../../ui/selection.ts'
import { SelectionBar } from '../../ui/selection-bar.tsx'
import { CancelDevicesDialog } from './cancel-devices-dialog.tsx'

/** What can be done with the selected devices of a job: schedule another one for them, or cancel this one on them. */
export function SelectedDevices({
  selection,
  jobId,
  now,
  onChanged,
}: {
  readonly selection: Selection<JobDeviceFragment>
  readonly jobId: string
  readonly now: Pick<JobNowFragment, 'status' | 'startedTime'>
  /** Called when the job was cancelled on some. */
  readonly onChanged: () => void
}) {
  const denied = useDenial()('WRITE_JOBS')
  // Those that waited when the dialog was opened: its question stays the same while devices have their turn.
  const [asked, setAsked] = useState<readonly string[]>()
  const { rows } = selection
  const waiting = rows.filter(({ result }) => result === 'PENDING').map(({ deviceId }) => deviceId)
  const unable =
    waiting.length === 0
      ? 'No selected device is waiting for its turn.'
      : whyTooLong(idsCondition(waiting), 'Select fewer.')
  return (
    <>
      <SelectionBar selection={selection}>
        <ScheduleForSelected
          deviceIds={rows.map(({ deviceId }) => deviceId)}
          instead="Select fewer, or retry the job, which can name them by their result."
        />
        {now.startedTime !== null && (now.status === 'RUNNING' || now.status === 'PAUSED') && (
          <Button kind="danger" denied={denied ?? unable} onClick={() => setAsked(waiting)}>
            Cancel on {formatDevices(waiting.length)}…
          </Button>
        )}
      </SelectionBar>
      {asked && (
        <CancelDevicesDialog
          jobId={jobId}
          deviceIds={asked}
          onClose={() => setAsked(undefined)}
          onCancelled={() => {
            selection.clear()
            onChanged()
          }}
        />
      )}
    </>
  )
}
