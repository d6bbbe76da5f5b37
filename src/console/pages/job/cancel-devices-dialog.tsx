import { useMutation } from 'urql'
import { idsCondition } from '../../device/ids-condition.ts'
import { formatDevices } from '../../format.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { failureOf } from '../../ui/domain-error.tsx'
import { JobCancelDevicesDocument } from './documents.ts'
import { ReasonDialog } from './reason-dialog.tsx'

/** Asks whether to cancel the job on these devices, and why. */
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
  const devices = formatDevices(deviceIds.length)
  return (
    <ReasonDialog
      title={`Cancel this job on ${devices}?`}
      confirm={`Cancel on ${devices}`}
      keep="Do not cancel"
      kind="danger"
      onClose={onClose}
      act={async (reason) => {
        const queryCondition = idsCondition(deviceIds)
        const { data, error } = await cancel({
          input: { jobId, queryCondition, ...(reason !== undefined && { reason }) },
        })
        const result = data?.cancelDeviceJobs
        if (result?.__typename !== 'CancelDeviceJobsPayload') return failureOf(result, error)
        const { cancelledCount, callsInProgress } = result
        const others = callsInProgress === 0 ? '' : ` ${formatDevices(callsInProgress)} may still respond.`
        announce(`Cancelled on ${formatDevices(cancelledCount)}.${others}`)
        onCancelled()
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
