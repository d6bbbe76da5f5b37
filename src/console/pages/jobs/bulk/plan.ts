import type { JobsRowFragment, RetryJobInput } from '../../../../generated/console/graphql.ts'
import type { Statistics } from '../../../ui/statistics.ts'

/** The fields that decide what can be done with a job. */
export type Job = Pick<JobsRowFragment, 'jobId' | 'status' | 'endTime' | 'deviceJobStatistics'>

/** A selected job, and why the action leaves it out; undefined if it does not. */
export type Planned = { readonly jobId: string; readonly denied: string | undefined }

/** Which of the jobs can be cancelled. */
export function planCancel(jobs: readonly Job[]): readonly Planned[] {
  return jobs.map(({ jobId, status, endTime }) => ({
    jobId,
    denied: endTime !== null ? 'It has ended.' : status === 'CANCELLED' ? 'It is being cancelled.' : undefined,
  }))
}

/** Which devices of the jobs to retry. */
export type Part = 'unsuccessful' | 'unfinished' | 'all'

/** The parts, with their words and the condition for devices without which a job has nothing to retry. */
export const parts: readonly {
  readonly part: Part
  readonly word: string
  readonly none: string
  readonly count: (statistics: Statistics) => number
  readonly selection: Pick<RetryJobInput, 'result' | 'status'>
}[] = [
  {
    part: 'unsuccessful',
    word: 'Devices that failed or refused',
    none: 'No device failed or refused.',
    count: ({ failedCount, refusedCount }) => failedCount + refusedCount,
    selection: { result: ['FAILED', 'REFUSED'] },
  },
  {
    part: 'unfinished',
    word: 'All devices that did not succeed, also cancelled ones',
    none: 'All devices succeeded.',
    count: ({ failedCount, refusedCount, cancelledCount }) => failedCount + refusedCount + cancelledCount,
    selection: { result: ['FAILED', 'REFUSED', 'CANCELLED'] },
  },
  {
    part: 'all',
    word: 'All devices',
    none: 'It had no devices.',
    count: ({ deviceCount }) => deviceCount,
    selection: { status: ['FAILED', 'CANCELLED', 'COMPLETED'] },
  },
]

/** Which of the jobs have devices of this part to retry. */
export function planRetry(
  jobs: readonly Job[],
  { none, count }: Pick<(typeof parts)[number], 'none' | 'count'>,
): readonly Planned[] {
  return jobs.map(({ jobId, endTime, deviceJobStatistics: statistics }) => ({
    jobId,
    denied: why(endTime, statistics),
  }))

  function why(endTime: string | null, statistics: Statistics | null): string | undefined {
    if (endTime === null) return 'It has not ended.'
    if (statistics === null) return 'It was not scheduled under your scope.'
    return count(statistics) === 0 ? none : undefined
  }
}
