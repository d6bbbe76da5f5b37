import type { Ref } from 'react'
import { ariaKeys } from '../../keys/key-table.ts'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Notice } from '../../ui/notice.tsx'
import { type Failure, FailureNote } from './failure-note.tsx'
import type { Expectation, JobRequest } from './request.ts'
import { Reviewed } from './review-result.tsx'
import styles from './review-step.module.css'
import { describeJob } from './summary.ts'
import type { Review } from './use-review.ts'

/** The impact of the job, and the button that schedules it. */
export function ReviewStep({
  ref,
  request,
  review,
  isPresent,
  failure,
  denied,
  isScheduling,
  onReview,
  onSchedule,
  onWait,
}: {
  readonly ref: Ref<HTMLElement>
  /** The request; undefined while the draft has problems. */
  readonly request: JobRequest | undefined
  readonly review: Review
  /** Whether the review is of this request. */
  readonly isPresent: boolean
  readonly failure: Failure | undefined
  /** Why nothing may be sent. */
  readonly denied: string | undefined
  readonly isScheduling: boolean
  readonly onReview: () => void
  readonly onSchedule: (expect: Expectation | undefined) => void
  readonly onWait: (waits: boolean) => void
}) {
  const isAsking = review.is === 'asking'
  const isReady = isPresent && request !== undefined
  return (
    <section ref={ref} tabIndex={-1} className={styles.section} aria-label="Review">
      <Panel title="4. Review">
        {isReady && review.is === 'shown' && (
          <Reviewed
            key={`${review.of} ${review.preview.fingerprint}`}
            request={request}
            preview={review.preview}
            failure={failure}
            denied={denied}
            isScheduling={isScheduling}
            onReview={onReview}
            onSchedule={onSchedule}
            onWait={onWait}
          />
        )}
        {isReady && review.is === 'unavailable' && (
          <>
            <p className={styles.sentence}>{describeJob(request, undefined)}</p>
            <Notice kind="warning">
              <p>Preview unavailable: {review.why}</p>
              <p>
                You can still schedule the job. The hub will then not check that the devices are the ones you expect.
              </p>
            </Notice>
            {failure && <FailureNote failure={failure} before={undefined} />}
            <div className={styles.actions}>
              <Button denied={denied} onClick={onReview}>
                Retry preview
              </Button>
              <Button kind="primary" busy={isScheduling} denied={denied} onClick={() => onSchedule(undefined)}>
                Schedule without preview
              </Button>
            </div>
          </>
        )}
        {!(isReady && (review.is === 'shown' || review.is === 'unavailable')) && (
          <>
            <p className={styles.muted}>
              {review.is === 'none' || isAsking
                ? 'Check the impact before scheduling: how many devices match, how long the job may take, and which active jobs target the same devices.'
                : 'The draft has changed since the review.'}
            </p>
            {failure && <FailureNote failure={failure} before={undefined} />}
            <div className={styles.actions}>
              <Button
                kind="primary"
                type="submit"
                aria-keyshortcuts={ariaKeys('review')}
                busy={isAsking}
                denied={denied}
              >
                {isAsking ? 'Checking devices…' : review.is === 'none' ? 'Review' : 'Refresh review'}
              </Button>
            </div>
          </>
        )}
      </Panel>
    </section>
  )
}
