import { Link } from 'react-router'
import type { JobsRowFragment } from '../../../generated/console/graphql.ts'
import { formatCount, formatMinute } from '../../format.ts'
import { describeOperation } from '../../operation.ts'
import { Icon } from '../../ui/icon.tsx'
import { describeEmpty, finishedIn, whyNotCounted } from '../../ui/statistics.ts'
import { StatisticsBar } from '../../ui/statistics-bar.tsx'
import { Time } from '../../ui/time.tsx'
import styles from './row-parts.module.css'

type Part = { readonly job: JobsRowFragment }

/** The job: its name or ID, its labels, its operation, its devices. */
export function JobName({ job }: Part) {
  const isMethod = job.type === 'SCHEDULE_DEVICE_METHOD'
  return (
    <div className={styles.name}>
      <span className={styles.head}>
        <Link className={`${styles.id} stretched`} to={`/jobs/${encodeURIComponent(job.jobId)}`}>
          {job.name ?? job.jobId}
        </Link>
        <Labels labels={job.labels} />
      </span>
      <span className={styles.what}>
        <Icon name={isMethod ? 'method' : 'twin'} size={13} />
        <span className="hidden">{isMethod ? 'Method call' : 'Twin update'}</span>
        {job.name !== null && <span className={styles.operation}>{job.jobId}</span>}
        <span className={styles.operation}>{describeOperation(job)}</span>
        <code className={styles.condition} title={job.queryCondition}>
          {job.queryCondition === '*' ? 'all devices' : job.queryCondition}
        </code>
      </span>
    </div>
  )
}

/** The most labels in a row. The page of the job has all of them. */
const mostLabels = 3

/** The first labels, each of which leads to the jobs that have it. */
function Labels({ labels }: Pick<JobsRowFragment, 'labels'>) {
  return labels.slice(0, mostLabels).map(({ name, value }) => {
    const label = `${name}=${value}`
    return (
      <Link
        key={name}
        className={styles.label}
        aria-label={`Jobs with the label ${label}`}
        to={`/jobs?${new URLSearchParams({ label })}`}
      >
        {label}
      </Link>
    )
  })
}

/** The job's progress, or when it starts. */
export function JobProgress({ job }: Part) {
  const { deviceJobStatistics: statistics } = job
  if (statistics === null) {
    return (
      <span className={styles.figures} title={whyNotCounted}>
        –<span className="hidden"> {whyNotCounted}</span>
      </span>
    )
  }
  if (job.status === 'SCHEDULED' || (statistics.deviceCount === 0 && job.endTime === null)) {
    return (
      <span className={styles.figures}>
        {job.status === 'SCHEDULED' ? (
          <>
            Starts <Time value={job.startTime} describe={formatMinute} />
          </>
        ) : (
          'Waiting for other jobs'
        )}
      </span>
    )
  }
  if (statistics.deviceCount === 0) {
    return <span className={styles.figures}>{describeEmpty(job, formatCount)}</span>
  }
  return (
    <div className={styles.progress}>
      <StatisticsBar statistics={statistics} />
      <span className={styles.figures}>
        {formatCount(finishedIn(statistics))} of {formatCount(statistics.deviceCount)}
        {statistics.refusedCount > 0 && (
          <span className={styles.refused}> · {formatCount(statistics.refusedCount)} refused</span>
        )}
        {statistics.failedCount > 0 && (
          <span className={styles.failed}> · {formatCount(statistics.failedCount)} failed</span>
        )}
        {statistics.cancelledCount > 0 && ` · ${formatCount(statistics.cancelledCount)} not run`}
      </span>
    </div>
  )
}

/** When it was scheduled. */
export function JobTime({ job }: Part) {
  return (
    <span className={styles.figures}>
      <Time value={job.createdTime} />
    </span>
  )
}

/** When it ended. */
export function JobEnd({ job }: Part) {
  if (job.endTime === null) {
    return (
      <span className={styles.figures} data-nothing>
        –
      </span>
    )
  }
  return (
    <span className={styles.figures}>
      <Time value={job.endTime} />
    </span>
  )
}
