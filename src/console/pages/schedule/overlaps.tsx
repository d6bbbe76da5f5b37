import { Link } from 'react-router'
import type { ScheduleReviewFragment as Preview } from '../../../generated/console/graphql.ts'
import { describeOperation } from '../../operation.ts'
import { JobBadge } from '../../ui/status-badge.tsx'
import styles from './overlaps.module.css'
import { describeCount } from './summary.ts'

/** Other open jobs that target some of the same devices, and the paths that both change. */
export function Overlaps({ overlaps }: { readonly overlaps: Preview['overlaps'] }) {
  return (
    <div className={styles.overlaps}>
      <h3>Active jobs on the same devices</h3>
      <ul>
        {overlaps.map(({ job, deviceCount, propertyPaths, blocksStart }, index) => (
          <li key={job?.id ?? index}>
            <span className={styles.job}>
              {job === null ? (
                'Another job'
              ) : (
                <>
                  <Link to={`/jobs/${encodeURIComponent(job.jobId)}`}>{job.jobId}</Link>
                  <JobBadge job={job} />
                </>
              )}
            </span>
            <span>
              {job && describeOperation(job)} <span className={styles.muted}>on {describeShare(deviceCount)}</span>
            </span>
            {blocksStart && <span>Keeps this job from starting</span>}
            {propertyPaths.length > 0 && (
              <span>
                Both change{' '}
                {propertyPaths.map((path, index) => (
                  <span key={path}>
                    {index > 0 && ', '}
                    <code>{path}</code>
                  </span>
                ))}
              </span>
            )}
          </li>
        ))}
      </ul>
    </div>
  )
}

function describeShare(count: Preview['deviceCount']): string {
  return count.precision === 'AT_LEAST' && count.value === 0
    ? 'possibly some of these devices'
    : `${describeCount(count)} of these devices`
}
