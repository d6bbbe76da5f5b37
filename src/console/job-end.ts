import type { JobOutcome } from '../generated/console/graphql.ts'
import { doneIn, type Statistics } from './ui/statistics.ts'

/** How a job has ended, as a sentence. */
export function describeEnd(
  jobId: string,
  {
    outcome,
    deviceJobStatistics,
  }: { readonly outcome: JobOutcome | null; readonly deviceJobStatistics: Statistics | null },
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
