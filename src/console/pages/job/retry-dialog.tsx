import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useMutation } from 'urql'
import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { formatCount } from '../../format.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { addOwnJob } from '../../own-jobs.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Button } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { CancelButton, Dialog } from '../../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import { noDevices } from '../../ui/statistics.ts'
import { CheckboxGroup } from './checkbox-group.tsx'
import styles from './dialogs.module.css'
import { JobRetryDocument } from './documents.ts'
import type { FailureGroup } from './failure-groups.tsx'
import { answersOf, type Choice, errorsOf, firstChoice, partsToRetry, selectionOf } from './retry-choice.ts'

/** Asks which devices to retry, then opens the new job. `group`: the initial choice. */
export function RetryDialog({
  jobId,
  now,
  group,
  onClose,
}: {
  readonly jobId: string
  readonly now: JobNowFragment
  readonly group: FailureGroup | undefined
  readonly onClose: () => void
}) {
  const announce = useAnnounce()
  const denied = useDenial()('WRITE_JOBS')
  const navigate = useNavigate()
  const [{ fetching }, retry] = useMutation(JobRetryDocument)
  const statistics = now.deviceJobStatistics ?? noDevices
  const groups = now.failureGroups ?? []
  const [choice, setChoice] = useState<Choice>(() => firstChoice(statistics, groups, group))
  const [newJobId, setNewJobId] = useState('')
  const [reason, setReason] = useState('')
  const [failure, setFailure] = useState<DomainFailure>()
  const [isMissing, setMissing] = useState(false)
  const selection = selectionOf(choice)

  const confirm = async (): Promise<void> => {
    setMissing(selection === undefined)
    if (selection === undefined) return
    const { data, error } = await retry({
      input: {
        jobId,
        ...selection,
        ...(newJobId.trim() !== '' && { newJobId: newJobId.trim() }),
        ...(reason.trim() !== '' && { reason: reason.trim() }),
      },
    })
    const result = data?.retryJob
    if (result?.__typename === 'RetryJobPayload') {
      addOwnJob(result.jobId)
      announce(`Retry scheduled as job ${result.jobId}.`)
      await navigate(`/jobs/${encodeURIComponent(result.jobId)}`)
    } else if (result) setFailure(result)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }

  const idFailure = isAboutId(failure) ? failure : undefined
  return (
    <Dialog title="Retry this job" isEdited={newJobId !== '' || reason !== ''} onClose={onClose}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault()
          void confirm()
        }}
      >
        <p>
          Creates a new job for the selected devices that still match the job’s condition. It keeps the operation, name,
          labels, limits, waves and abort rules. If this job needed approval, so does the new one.
        </p>
        <fieldset>
          <legend>Devices</legend>
          <div className={styles.options}>
            {partsToRetry(statistics, groups).map(({ part, word, count }) => (
              <div key={part}>
                <label className={styles.option}>
                  <input
                    type="radio"
                    name="part"
                    checked={choice.part === part}
                    onChange={() => setChoice({ ...choice, part })}
                  />
                  {word}
                  <span className={styles.count}>{formatCount(count)}</span>
                </label>
                {choice.part === part && part === 'errors' && (
                  <CheckboxGroup
                    label="Errors"
                    options={errorsOf(groups).map(({ code, count }) => ({ value: code, word: code, count }))}
                    chosen={choice.errorCodes}
                    onChange={(errorCodes) => setChoice({ ...choice, errorCodes })}
                  />
                )}
                {choice.part === part && part === 'answers' && (
                  <CheckboxGroup
                    label="Response statuses"
                    options={answersOf(groups).map(({ status, count }) => ({
                      value: status,
                      word: `Status ${status}`,
                      count,
                    }))}
                    chosen={choice.responseStatuses}
                    onChange={(responseStatuses) => setChoice({ ...choice, responseStatuses })}
                  />
                )}
              </div>
            ))}
          </div>
          <p className={styles.problem} role="alert">
            {isMissing && selection === undefined && 'Select at least one.'}
          </p>
        </fieldset>
        <div className={styles.pair}>
          <Field label="New job ID" optional error={idFailure?.message} hint="Up to 64 letters, digits and dashes.">
            {(props) => (
              <input
                {...props}
                value={newJobId}
                maxLength={64}
                autoCapitalize="none"
                autoComplete="off"
                spellCheck={false}
                onChange={(event) => setNewJobId(event.target.value)}
              />
            )}
          </Field>
          <Field label="Reason" optional hint="Saved in the new job’s history.">
            {(props) => (
              <input {...props} value={reason} maxLength={1024} onChange={(event) => setReason(event.target.value)} />
            )}
          </Field>
        </div>
        {failure && idFailure === undefined && <DomainError error={failure} />}
        <div className={styles.actions}>
          <CancelButton />
          <Button kind="primary" type="submit" busy={fetching} denied={denied}>
            Retry
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

/** Whether the hub refused because of the ID: that is shown at its field. */
function isAboutId(failure: DomainFailure | undefined): boolean {
  return failure?.__typename === 'AlreadyExistsError' || failure?.path?.[0] === 'newJobId'
}
