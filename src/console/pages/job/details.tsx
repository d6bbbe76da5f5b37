import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { JobAsScheduledFragment, JobNowFragment } from '../../../generated/console/graphql.ts'
import { ConditionText } from '../../condition/text.tsx'
import { formatCount, formatDuration, formatPlanned } from '../../format.ts'
import { describeOnOverlap } from '../../on-overlap.ts'
import { Panel } from '../../shell/page.tsx'
import { describeTargets } from '../../targets.ts'
import { JsonView } from '../../ui/json-view.tsx'
import { Time } from '../../ui/time.tsx'
import styles from './details.module.css'
import { Drift } from './drift.tsx'
import { describeRetried } from './target-words.ts'

/** The job as it was scheduled, and its times. */
export function Details({ job, now }: { readonly job: JobAsScheduledFragment; readonly now: JobNowFragment }) {
  const { cloudToDeviceMethod: method, updateTwin } = job
  return (
    <Panel title="Job details">
      <dl className={styles.details}>
        {job.description !== null && (
          <Detail name="Description" isWide>
            <p className={styles.description}>{job.description}</p>
          </Detail>
        )}
        {job.labels.length > 0 && (
          <Detail name="Labels" isWide>
            <ul className={styles.labels}>
              {job.labels.map(({ name, value }) => (
                <li key={name}>
                  <Link to={`/jobs?${new URLSearchParams({ label: `${name}=${value}` })}`}>
                    {name}={value}
                  </Link>
                </li>
              ))}
            </ul>
          </Detail>
        )}
        <Detail name="Target devices" isWide>
          {job.retryOf && <p>{describeRetried(job.retryOf.jobId, job.retrySelection, countOf(now), formatCount)}</p>}
          {job.queryCondition.trim() === '*' ? (
            !job.retryOf && 'All devices'
          ) : (
            <ConditionText condition={job.queryCondition} />
          )}
          {job.targets !== 'AT_START' && <p>{describeTargets(job.targets)}</p>}
          {now.selectedTime !== null && now.endTime === null && <Drift jobId={job.jobId} />}
          {job.onOverlap !== 'PARALLEL' && <p>{describeOnOverlap(job.onOverlap)}</p>}
        </Detail>
        {method && (
          <>
            <Detail name="Method">
              <code>{method.methodName}</code>
            </Detail>
            {method.payload !== null && (
              <Detail name="Payload" isWide>
                <JsonView value={method.payload} label="Method payload" isCopied />
              </Detail>
            )}
            <Detail name="Connection timeout">
              {method.connectTimeoutInSeconds === 0
                ? 'Until the job’s time limit'
                : formatDuration(method.connectTimeoutInSeconds)}
            </Detail>
            <Detail name="Response timeout">{formatDuration(method.responseTimeoutInSeconds)}</Detail>
          </>
        )}
        {updateTwin !== null && (
          <Detail name="Patch" isWide>
            <JsonView value={updateTwin} label="Twin patch" isCopied />
          </Detail>
        )}
        {job.skipCompliant && (
          <Detail name="Devices up to date">
            {now.deviceJobStatistics === null
              ? 'Skipped'
              : `${formatCount(now.deviceJobStatistics.skippedCount)} skipped`}
          </Detail>
        )}
        <Detail name="Scheduled">
          <Time value={job.createdTime} />
        </Detail>
        {job.jobSchedule && (
          <Detail name="Schedule">
            <Link to={`/schedules/${encodeURIComponent(job.jobSchedule.scheduleId)}`}>
              {job.jobSchedule.scheduleId}
            </Link>
          </Detail>
        )}
        {now.startedTime === null && job.startTime !== null && (
          <Detail name={now.endTime === null ? 'Starts' : 'Planned start'}>
            <Time value={job.startTime} describe={formatPlanned} />
          </Detail>
        )}
        {now.startedTime !== null && (
          <Detail name="Started">
            <Time value={now.startedTime} />
          </Detail>
        )}
        {now.endTime !== null && (
          <Detail name="Ended">
            <Time value={now.endTime} />
          </Detail>
        )}
        {now.endTime === null && (
          <Detail name="Deadline">
            <Time value={now.deadline} describe={formatPlanned} />
          </Detail>
        )}
        <Detail name="Time limit">{formatDuration(now.maxExecutionTimeInSeconds)}</Detail>
        {job.maxDevices !== null && <Detail name="Device limit">{formatCount(job.maxDevices)}</Detail>}
      </dl>
    </Panel>
  )
}

/** How many devices the job has; undefined before they are selected, and if the hub does not count them for the viewer. */
const countOf = ({ selectedTime, deviceJobStatistics }: JobNowFragment): number | undefined =>
  selectedTime === null ? undefined : deviceJobStatistics?.deviceCount

function Detail({
  name,
  isWide = false,
  children,
}: {
  readonly name: string
  readonly isWide?: boolean
  readonly children: ReactNode
}) {
  return (
    <div className={isWide ? styles.wide : styles.detail}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
