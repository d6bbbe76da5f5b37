import { useMutation } from 'urql'
import { useAnnounce } from '../../shell/announcer.tsx'
import { failureOf } from '../../ui/domain-error.tsx'
import { JobOpenWaveDocument } from './documents.ts'
import { ReasonDialog } from './reason-dialog.tsx'
import { describeOpening, type WaveStep } from './waves.ts'

/** Asks whether to open the next wave although its gate has not passed, and why. */
export function OpenWaveDialog({
  jobId,
  step,
  onClose,
  onChanged,
}: {
  readonly jobId: string
  readonly step: WaveStep
  readonly onClose: () => void
  readonly onChanged: () => void
}) {
  const announce = useAnnounce()
  const [, openWave] = useMutation(JobOpenWaveDocument)
  const wave = step.next.number
  return (
    <ReasonDialog
      title={`Open wave ${wave}?`}
      confirm={`Open wave ${wave}`}
      keep="Do not open"
      kind="primary"
      onClose={onClose}
      act={async (reason) => {
        const { data, error } = await openWave({ input: { jobId, wave, ...(reason !== undefined && { reason }) } })
        const result = data?.openWave
        if (result?.__typename !== 'OpenWavePayload') return failureOf(result, error)
        announce(`Wave ${wave} opened.`)
        onChanged()
        return undefined
      }}
    >
      <p>{describeOpening(step)}</p>
    </ReasonDialog>
  )
}
