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
 * The newer of two states of a job. Queries and the subscription both report the state, and an answer may arrive after
 * a newer event. A job never goes back, so the state that would go back is the older one.
 */
export function newerOf(known: JobNowFragment | undefined, told: JobNowFragment): JobNowFragment {
  if (known === undefined) return told
  if (known.endTime !== null && told.endTime === null) return known
  if (places[told.status] < places[known.status]) return known
  return endedOf(told.deviceJobStatistics) < endedOf(known.deviceJobStatistics) ? known : told
}

/** What screen readers announce when a job has ended. */
export function describeEnd(
  jobId: string,
  { status, outcome, deviceJobStatistics }: Pick<JobNowFragment, 'status' | 'outcome' | 'deviceJobStatistics'>,
  formatCount: (count: number) => string,
): string {
  if (metNoDevice({ status, deviceJobStatistics })) return `Job ${jobId} ended: no devices matched.`
  const { deviceCount, succeededCount, failedCount } = deviceJobStatistics
  const what = {
    SUCCEEDED: 'succeeded',
    PARTIALLY_FAILED: 'partly failed',
    FAILED: 'failed',
    CANCELLED: 'was cancelled',
  }[outcome ?? 'SUCCEEDED']
  const failed = failedCount === 0 ? '' : `, ${formatCount(failedCount)} failed`
  return `Job ${jobId} ${what}: ${formatCount(succeededCount)} of ${formatCount(deviceCount)} devices succeeded${failed}.`
}

/** What cancelling a job means for its devices. */
export function describeCancelling(
  { startedTime, deviceJobStatistics }: Pick<JobNowFragment, 'startedTime' | 'deviceJobStatistics'>,
  formatCount: (count: number) => string,
): string {
  if (startedTime === null) return 'The job will not start. No devices will be changed.'
  const { pendingCount, runningCount } = deviceJobStatistics
  const devices = (count: number): string => `${formatCount(count)} ${count === 1 ? 'device' : 'devices'}`
  return [
    'No further devices will be contacted.',
    ...(pendingCount === 0
      ? []
      : [`${devices(pendingCount)} that ${pendingCount === 1 ? 'has' : 'have'} not been contacted will be skipped.`]),
    ...(runningCount === 0 ? [] : [`${devices(runningCount)} with a pending call may still respond.`]),
    'Completed changes are not undone.',
  ].join(' ')
}
