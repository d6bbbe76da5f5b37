import { useState } from 'react'
import { useClient } from 'urql'
import { Field } from '../../../ui/field.tsx'
import { answerOf } from './answer.ts'
import { BulkDialog } from './dialog.tsx'
import { JobsCancelDocument } from './documents.ts'
import { type Job, planCancel } from './plan.ts'
import type { Answer } from './run-each.ts'

/** Asks whether to cancel the selected jobs, and why, and cancels them. */
export function CancelJobsDialog({ jobs, onClose }: { readonly jobs: readonly Job[]; readonly onClose: () => void }) {
  const client = useClient()
  const [planned] = useState(() => planCancel(jobs))
  const [text, setText] = useState('')
  const cancel = async (jobId: string): Promise<Answer> => {
    const reason = text.trim()
    const input = { jobId, ...(reason !== '' && { reason }) }
    const { data, error } = await client.mutation(JobsCancelDocument, { input }).toPromise()
    const result = data?.cancelJob
    return result?.__typename === 'CancelJobPayload' ? { kind: 'done' } : answerOf(result ?? undefined, error)
  }
  return (
    <BulkDialog
      words={{ verb: 'Cancel', done: 'cancelled', kind: 'danger' }}
      planned={planned}
      act={cancel}
      isEdited={text !== ''}
      onClose={onClose}
    >
      <p>No further devices will be contacted. Completed changes are not undone.</p>
      <Field label="Reason" optional hint="Saved in the history of each job.">
        {(props) => <input {...props} value={text} maxLength={1024} onChange={({ target }) => setText(target.value)} />}
      </Field>
    </BulkDialog>
  )
}
