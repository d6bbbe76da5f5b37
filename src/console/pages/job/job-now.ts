import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { doneIn } from '../../ui/statistics.ts'

/** What screen readers announce when a job has ended. */
export function describeEnd(
  jobId: string,
  { outcome, deviceJobStatistics }: Pick<JobNowFragment, 'outcome' | 'deviceJobStatistics'>,
  formatCount: (count: number) => string,
): string {
  if (outcome === 'NO_DEVICES') return `Job ${jobId} ended: no devices matched.`
  const words = {
    SUCCEEDED: 'succeeded',
    PARTIALLY_FAILED: 'partly failed',
    FAILED: 'failed',
    CANCELLED: 'was cancelled',
  }
  const what = outcome === null ? 'ended' : words[outcome]
  if (deviceJobStatistics === null) return `Job ${jobId} ${what}.`
  const { deviceCount, refusedCount, failedCount } = deviceJobStatistics
  const refused = refusedCount === 0 ? '' : `, ${formatCount(refusedCount)} refused`
  const failed = failedCount === 0 ? '' : `, ${formatCount(failedCount)} failed`
  return `Job ${jobId} ${what}: ${formatCount(doneIn(deviceJobStatistics))} of ${formatCount(deviceCount)} devices succeeded${refused}${failed}.`
}

/** What cancelling a job means for its devices. */
export function describeCancelling(
  { startedTime, deviceJobStatistics }: Pick<JobNowFragment, 'startedTime' | 'deviceJobStatistics'>,
  formatCount: (count: number) => string,
): string {
  if (startedTime === null) return 'The job will not start. No devices will be changed.'
  const { pendingCount, runningCount } = deviceJobStatistics ?? { pendingCount: 0, runningCount: 0 }
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
