import type { JobNowFragment } from '../../../generated/console/graphql.ts'

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
