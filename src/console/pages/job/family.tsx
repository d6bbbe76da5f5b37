import { Link } from 'react-router'
import type { JobAroundFragment } from '../../../generated/console/graphql.ts'
import { formatCount } from '../../format.ts'
import { Panel } from '../../shell/page.tsx'
import { doneIn, whyNotCounted } from '../../ui/statistics.ts'
import { StatisticsBar } from '../../ui/statistics-bar.tsx'
import { JobBadge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import styles from './family.module.css'

/** The job, the job it retries, and all their retries, with their progress as a whole. */
export function Family({ jobId, around }: { readonly jobId: string; readonly around: JobAroundFragment }) {
  const { jobs, statistics } = around.family
  if (jobs === null || jobs.length < 2) return undefined
  return (
    <Panel title="Retries">
      {statistics === null ? (
        <p>– {whyNotCounted}</p>
      ) : (
        <>
          <p>
            {formatCount(doneIn(statistics))} of {formatCount(statistics.deviceCount)} devices succeeded after{' '}
            {formatCount(jobs.length)} rounds
          </p>
          <StatisticsBar statistics={statistics} />
        </>
      )}
      <ol className={styles.jobs}>
        {jobs.map((job) => (
          <li key={job.jobId}>
            <div className={styles.name}>
              {job.jobId === jobId ? (
                <span aria-current="true" className={styles.here}>
                  {job.jobId} <span className={styles.muted}>(this job)</span>
                </span>
              ) : (
                <Link to={`/jobs/${encodeURIComponent(job.jobId)}`}>{job.jobId}</Link>
              )}
              <JobBadge job={job} />
            </div>
            <p className={styles.muted}>
              {job.deviceJobStatistics === null
                ? '–'
                : `${formatCount(doneIn(job.deviceJobStatistics))} of ${formatCount(job.deviceJobStatistics.deviceCount)}`}
              , <Time value={job.createdTime} />
              {job.retryOf && `, retry of ${job.retryOf.jobId}`}
            </p>
          </li>
        ))}
      </ol>
    </Panel>
  )
}
