import { useState } from 'react'
import { useMutation } from 'urql'
import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { formatCount } from '../../format.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Button } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import styles from './dialogs.module.css'
import { JobCancelDocument } from './documents.ts'
import { describeCancelling } from './job-now.ts'

/** Asks whether to cancel the job, and why. */
export function CancelDialog({
  jobId,
  now,
  onClose,
  onCancelled,
}: {
  readonly jobId: string
  readonly now: JobNowFragment
  readonly onClose: () => void
  readonly onCancelled: () => void
}) {
  const announce = useAnnounce()
  const denied = useDenial()('WRITE_JOBS')
  const [{ fetching }, cancel] = useMutation(JobCancelDocument)
  const [reason, setReason] = useState('')
  const [failure, setFailure] = useState<DomainFailure>()

  const confirm = async (): Promise<void> => {
    const given = reason.trim()
    const { data, error } = await cancel({ input: { jobId, ...(given !== '' && { reason: given }) } })
    const result = data?.cancelJob
    if (result?.__typename === 'CancelJobPayload') {
      announce('Job cancelled.')
      onCancelled()
      onClose()
    } else if (result) setFailure(result)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }

  return (
    <Dialog title="Cancel this job?" isEdited={reason !== ''} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void confirm()
        }}
        className={styles.form}
      >
        <p>{describeCancelling(now, formatCount)}</p>
        <Field label="Reason" optional hint="Saved in the job’s history.">
          {(props) => (
            <input {...props} value={reason} maxLength={1024} onChange={(event) => setReason(event.target.value)} />
          )}
        </Field>
        {failure && <DomainError error={failure} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>{now.startedTime === null ? 'Keep job' : 'Keep running'}</Button>
          <Button kind="danger" type="submit" busy={fetching} denied={denied}>
            Cancel job
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
