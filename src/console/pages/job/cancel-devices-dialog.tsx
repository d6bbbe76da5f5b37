import { useState } from 'react'
import { useMutation } from 'urql'
import { idsCondition } from '../../device/ids-condition.ts'
import { formatDevices } from '../../format.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { CancelButton, Dialog } from '../../ui/dialog.tsx'
import { failureOf } from '../../ui/domain-error.tsx'
import { type CancelledDevices, describeCancelled } from './cancelled-devices.ts'
import { JobCancelDevicesDocument } from './documents.ts'
import { ReasonDialog } from './reason-dialog.tsx'

/**
 * Asks whether to cancel the job on these devices, and why. When some of them had their turn before, it says so instead of
 * closing.
 */
export function CancelDevicesDialog({
  jobId,
  deviceIds,
  onClose,
  onCancelled,
}: {
  readonly jobId: string
  readonly deviceIds: readonly string[]
  readonly onClose: () => void
  readonly onCancelled: () => void
}) {
  const announce = useAnnounce()
  const [, cancel] = useMutation(JobCancelDevicesDocument)
  const [result, setResult] = useState<CancelledDevices>()
  const devices = formatDevices(deviceIds.length)
  if (result !== undefined && result.cancelledCount < deviceIds.length) {
    return (
      <Dialog title="Not cancelled on all devices" onClose={onClose} actions={<CancelButton>Close</CancelButton>}>
        <p>{describeCancelled(deviceIds.length, result)}</p>
      </Dialog>
    )
  }
  return (
    <ReasonDialog
      title={`Cancel this job on ${devices}?`}
      confirm={`Cancel on ${devices}`}
      keep="Do not cancel"
      kind="danger"
      onClose={onClose}
      onDone={() => {}}
      act={async (reason) => {
        const queryCondition = idsCondition(deviceIds)
        const { data, error } = await cancel({
          input: { jobId, queryCondition, ...(reason !== undefined && { reason }) },
        })
        const result = data?.cancelDeviceJobs
        if (result?.__typename !== 'CancelDeviceJobsPayload') return failureOf(result, error)
        setResult(result)
        announce(describeCancelled(deviceIds.length, result))
        onCancelled()
        if (result.cancelledCount === deviceIds.length) onClose()
        return undefined
      }}
    >
      <p>
        These devices will not be contacted. The job goes on with the others. A device whose call has been sent in the
        meantime may still respond.
      </p>
    </ReasonDialog>
  )
}
