import type { JobNowFragment, JobStatus } from '../../../generated/console/graphql.ts'
import { endedOf } from '../../ui/statistics.ts'
import { metNoDevice } from '../../ui/status.ts'

const places: Readonly<Record<JobStatus, number>> = {
  SCHEDULED: 0,
  QUEUED: 1,
  RUNNING: 2,
  CANCELLED: 3,
  FAILED: 3,
  COMPLETED: 3,
}

/**
 * Which of two accounts of a job to believe: queries and the subscription tell of it at the same time, and an answer may
 * be overtaken. A job never goes back, so one that would is the older account.
 */
export function newerOf(known: JobNowFragment | undefined, told: JobNowFragment): JobNowFragment {
  if (known === undefined) return told
  if (known.endTime !== null && told.endTime === null) return known
  if (places[told.status] < places[known.status]) return known
  return endedOf(told.deviceJobStatistics) < endedOf(known.deviceJobStatistics) ? known : told
}

/** What is said aloud when a job has ended. */
export function describeEnd(
  jobId: string,
  { status, outcome, deviceJobStatistics }: Pick<JobNowFragment, 'status' | 'outcome' | 'deviceJobStatistics'>,
  formatCount: (count: number) => string,
): string {
  if (metNoDevice({ status, deviceJobStatistics })) return `Job ${jobId} has ended: no device met its condition.`
  const { deviceCount, succeededCount, failedCount } = deviceJobStatistics
  const what = {
    SUCCEEDED: 'succeeded',
    PARTIALLY_FAILED: 'partly failed',
    FAILED: 'failed',
    CANCELLED: 'was cancelled',
  }[outcome ?? 'SUCCEEDED']
  const failed = failedCount === 0 ? '' : `, ${formatCount(failedCount)} failed`
  return `Job ${jobId} has ended and ${what}: ${formatCount(succeededCount)} of ${formatCount(deviceCount)} devices succeeded${failed}.`
}

/** What cancelling would do to the devices of a job, and what it would not. */
export function describeCancelling(
  { startedTime, deviceJobStatistics }: Pick<JobNowFragment, 'startedTime' | 'deviceJobStatistics'>,
  formatCount: (count: number) => string,
): string {
  if (startedTime === null) return 'It will not start: no device is touched.'
  const { pendingCount, runningCount } = deviceJobStatistics
  const devices = (count: number): string => `${formatCount(count)} ${count === 1 ? 'device' : 'devices'}`
  return [
    'Nothing more is sent.',
    ...(pendingCount === 0 ? [] : [`${devices(pendingCount)} not reached yet will be spared.`]),
    ...(runningCount === 0 ? [] : [`${devices(runningCount)} with a call under way may still answer.`]),
    'What is done stays done.',
  ].join(' ')
}
