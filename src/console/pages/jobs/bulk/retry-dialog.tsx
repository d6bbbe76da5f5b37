import { useMemo, useState } from 'react'
import { useClient } from 'urql'
import { formatCount } from '../../../format.ts'
import { addOwnJob } from '../../../own-jobs.ts'
import { Field } from '../../../ui/field.tsx'
import { answerOf } from './answer.ts'
import styles from './dialog.module.css'
import { BulkDialog } from './dialog.tsx'
import { JobsRetryDocument } from './documents.ts'
import { type Job, parts, planRetry } from './plan.ts'
import type { Answer } from './run-each.ts'

/** Asks which devices of the selected jobs to retry, and schedules a new job for each. */
export function RetryJobsDialog({
  jobs: selected,
  onClose,
}: {
  readonly jobs: readonly Job[]
  readonly onClose: () => void
}) {
  const client = useClient()
  // As they were when it opened.
  const [jobs] = useState(selected)
  const [part, setPart] = useState(parts[0])
  const [text, setText] = useState('')
  const planned = useMemo(() => (part === undefined ? [] : planRetry(jobs, part)), [jobs, part])
  const retry = async (jobId: string): Promise<Answer> => {
    const reason = text.trim()
    const input = { jobId, ...part?.selection, ...(reason !== '' && { reason }) }
    const { data, error } = await client.mutation(JobsRetryDocument, { input }).toPromise()
    const result = data?.retryJob
    if (result?.__typename !== 'RetryJobPayload') return answerOf(result ?? undefined, error)
    addOwnJob(result.jobId)
    return { kind: 'done', newJobId: result.jobId }
  }
  return (
    <BulkDialog
      words={{ verb: 'Retry', done: 'retried', kind: 'primary' }}
      planned={planned}
      act={retry}
      isEdited={text !== ''}
      onClose={onClose}
    >
      <p>
        Creates a new job for each, with the same operation, for the selected devices that still match the job’s
        condition.
      </p>
      <fieldset className={styles.parts}>
        <legend className="hidden">Devices</legend>
        {parts.map((one) => (
          <label key={one.part}>
            <input type="radio" name="part" checked={part === one} onChange={() => setPart(one)} />
            {one.word}
            <span>{formatCount(planRetry(jobs, one).filter(({ denied }) => denied === undefined).length)} jobs</span>
          </label>
        ))}
      </fieldset>
      <Field label="Reason" optional hint="Saved in the history of each new job.">
        {(props) => <input {...props} value={text} maxLength={1024} onChange={({ target }) => setText(target.value)} />}
      </Field>
    </BulkDialog>
  )
}
