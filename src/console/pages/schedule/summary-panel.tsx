import { formatMinute } from '../../format.ts'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { useNow } from '../../ui/time.tsx'
import { formatAhead, formatUtc } from './date-time-input.ts'
import type { Draft } from './draft.ts'
import {
  describeCount,
  describeDevices,
  describeDraftedAct,
  describeDraftedPace,
  describeLimit,
  isPaced,
  startOf,
} from './summary.ts'
import styles from './summary-panel.module.css'
import type { Matching } from './use-matching.ts'

/** The draft in brief, next to the form. */
export function SummaryPanel({
  draft,
  matching: { match, isPresent, isUnfinished },
  denied,
  onReview,
}: {
  readonly draft: Draft
  readonly matching: Matching
  /** Why nothing may be sent. */
  readonly denied: string | undefined
  readonly onReview: () => void
}) {
  const now = useNow(10_000)
  const start = startOf(draft)
  return (
    <Panel title="Summary">
      <dl className={styles.summary}>
        <div>
          <dt>Devices</dt>
          <dd className={isPresent ? undefined : styles.old}>
            {match === undefined || isUnfinished ? (
              <Missing />
            ) : (
              <>
                {describeDevices(match.deviceCount)}
                <span className={styles.more}>{describeCount(match.connectedCount)} connected</span>
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>Operation</dt>
          <dd>{describeDraftedAct(draft) ?? <Missing />}</dd>
        </div>
        <div>
          <dt>Start</dt>
          <dd>
            {start === undefined && <Missing />}
            {start !== undefined && start.moment === undefined && 'Now'}
            {start?.moment !== undefined && (
              <>
                {formatMinute(start.moment)}
                <span className={styles.more}>
                  {formatUtc(start.moment)}, {formatAhead(start.moment, now) ?? 'in the past'}
                </span>
              </>
            )}
          </dd>
        </div>
        <div>
          <dt>Time limit</dt>
          <dd>{describeLimit(draft) ?? <Missing />}</dd>
        </div>
        {isPaced(draft) && (
          <div>
            <dt>Pace and safety</dt>
            <dd>{describeDraftedPace(draft)}</dd>
          </div>
        )}
        {draft.name.trim() !== '' && (
          <div>
            <dt>Name</dt>
            <dd>{draft.name.trim()}</dd>
          </div>
        )}
        {draft.jobId.trim() !== '' && (
          <div>
            <dt>Job ID</dt>
            <dd>{draft.jobId.trim()}</dd>
          </div>
        )}
      </dl>
      <Button denied={denied} onClick={onReview}>
        Review
      </Button>
      <p className={styles.hint}>
        or <kbd>Ctrl</kbd> + <kbd>Enter</kbd> in any field
      </p>
    </Panel>
  )
}

function Missing() {
  return <span className={styles.missing}>Not set</span>
}
