import type { ReactNode } from 'react'
import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { formatCount, formatDuration } from '../../format.ts'
import { Panel } from '../../shell/page.tsx'
import { JsonView } from '../../ui/json-view.tsx'
import { Time } from '../../ui/time.tsx'
import styles from './details.module.css'
import type { JobAsScheduled } from './use-job.ts'

/** What the job was scheduled as, and its times. */
export function Details({ job, now }: { readonly job: JobAsScheduled; readonly now: JobNowFragment }) {
  const { cloudToDeviceMethod: method, updateTwin } = job
  return (
    <Panel title="What it does">
      <dl className={styles.details}>
        <Detail name="Devices where" isWide>
          {job.queryCondition.trim() === '*' ? (
            'All devices'
          ) : (
            <code className={styles.condition}>{job.queryCondition}</code>
          )}
        </Detail>
        {method && (
          <>
            <Detail name="Method">
              <code>{method.methodName}</code>
            </Detail>
            {method.payload !== null && (
              <Detail name="Payload" isWide>
                <JsonView value={method.payload} label="Payload of the method" />
              </Detail>
            )}
            <Detail name="Time to connect">
              {method.connectTimeoutInSeconds === 0
                ? 'as long as the job has'
                : formatDuration(method.connectTimeoutInSeconds)}
            </Detail>
            <Detail name="Time to answer">{formatDuration(method.responseTimeoutInSeconds)}</Detail>
          </>
        )}
        {updateTwin !== null && (
          <Detail name="Patch" isWide>
            <JsonView value={updateTwin} label="Patch of the twins" />
          </Detail>
        )}
        <Detail name="Scheduled">
          <Time value={job.createdTime} />
        </Detail>
        {now.startedTime === null && job.startTime !== null && (
          <Detail name={now.endTime === null ? 'Starts' : 'Was to start'}>
            <Time value={job.startTime} />
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
            <Time value={job.deadline} />
          </Detail>
        )}
        <Detail name="Time it has">{formatDuration(job.maxExecutionTimeInSeconds)}</Detail>
        {job.maxDevices !== null && <Detail name="Devices at most">{formatCount(job.maxDevices)}</Detail>}
      </dl>
    </Panel>
  )
}

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
