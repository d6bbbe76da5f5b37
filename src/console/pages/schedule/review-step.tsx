import type { Ref } from 'react'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Notice } from '../../ui/notice.tsx'
import { type Failure, FailureNote } from './failure-note.tsx'
import type { Expectation, JobRequest } from './request.ts'
import styles from './review-step.module.css'
import { Reviewed } from './reviewed.tsx'
import { describeJob } from './summary.ts'
import type { Review } from './use-review.ts'

/** What the job would meet, and the button that schedules it. */
export function ReviewStep({
  ref,
  request,
  review,
  isPresent,
  failure,
  isScheduling,
  onReview,
  onSchedule,
}: {
  readonly ref: Ref<HTMLElement>
  /** Undefined while the draft cannot be read. */
  readonly request: JobRequest | undefined
  readonly review: Review
  /** Whether the review is of this request. */
  readonly isPresent: boolean
  readonly failure: Failure | undefined
  readonly isScheduling: boolean
  readonly onReview: () => void
  readonly onSchedule: (expect: Expectation | undefined) => void
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
            isScheduling={isScheduling}
            onReview={onReview}
            onSchedule={onSchedule}
          />
        )}
        {isReady && review.is === 'unavailable' && (
          <>
            <p className={styles.sentence}>{describeJob(request, undefined)}</p>
            <Notice kind="warning">
              <p>There is no preview: {review.why}</p>
              <p>
                You can schedule the job without one. Then it is not checked whether the devices are those you expect.
              </p>
            </Notice>
            {failure && <FailureNote failure={failure} before={undefined} />}
            <div className={styles.actions}>
              <Button onClick={onReview}>Try the preview again</Button>
              <Button kind="primary" busy={isScheduling} onClick={() => onSchedule(undefined)}>
                Schedule without a preview
              </Button>
            </div>
          </>
        )}
        {!(isReady && (review.is === 'shown' || review.is === 'unavailable')) && (
          <>
            <p className={styles.muted}>
              {review.is === 'none' || isAsking
                ? 'See what the job would meet before it is scheduled: how many devices, how long it may take, and which other jobs touch the same devices.'
                : 'You have changed the draft since it was reviewed.'}
            </p>
            {failure && <FailureNote failure={failure} before={undefined} />}
            <div className={styles.actions}>
              <Button kind="primary" type="submit" busy={isAsking}>
                {isAsking ? 'Looking at the devices …' : review.is === 'none' ? 'Review' : 'Review again'}
              </Button>
            </div>
          </>
        )}
      </Panel>
    </section>
  )
}
