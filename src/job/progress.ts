import type { JobStatus } from './state.ts'
import type { DeviceJobStatistics } from './statistics.ts'

/** What the rules here look at in a job. */
export type JobInTime = Pick<
  DeviceJobStatistics,
  'deviceCount' | 'pendingCount' | 'runningCount' | 'succeededCount' | 'failedCount'
> & {
  readonly status: JobStatus
  readonly startedTime: Date | null
  readonly endTime: Date | null
  readonly deadline: Date
}

/** The newest outcomes of a job, at most so many: how many they are, and when the first of them was written. */
export type RecentOutcomes = { readonly count: number; readonly since: Date | null; readonly isCapped: boolean }

/** None, lately. */
export const noOutcomes: RecentOutcomes = { count: 0, since: null, isCapped: false }

/** Milliseconds that count as lately. */
export const rateWindow = 10_000
/** Milliseconds that are looked at in any case: the outcomes of a batch have one time. */
const shortest = 100

/**
 * Device jobs that end a second. Of a job that has not ended: in the last ten seconds, or since it started when that is
 * shorter, or since the first of the outcomes when there are too many to be read. Of one that has: from its start to
 * its end, without those that its cancellation spared. 0 for a job that has not started.
 */
export function throughputOf(job: JobInTime, recent: RecentOutcomes, now: Date): number {
  const { startedTime, endTime, succeededCount, failedCount } = job
  if (startedTime === null) return 0
  const perSecond = (count: number, ms: number): number => (count * 1000) / Math.max(ms, shortest)
  if (endTime !== null) return perSecond(succeededCount + failedCount, endTime.getTime() - startedTime.getTime())
  const begin = recent.isCapped && recent.since !== null ? recent.since : startedTime
  return perSecond(recent.count, Math.min(now.getTime() - begin.getTime(), rateWindow))
}

/** Pending device jobs of a method job whose devices are not connected, and until when those are waited for. */
export type Waiting = { readonly count: number; readonly isCapped: boolean; readonly until: Date }

/**
 * When a running job will have ended, at the pace of lately; null for others. It is the deadline at the latest, and
 * that also when nothing moves. When all that is pending waits for devices that are not connected, it is not before the
 * end of that wait: nobody knows when they come.
 */
export function etaOf(job: JobInTime, throughput: number, waiting: Waiting | undefined, now: Date): Date | null {
  const { status, endTime, pendingCount, runningCount } = job
  if (status !== 'running' || endTime !== null) return null
  const wait =
    pendingCount > 0 && waiting !== undefined && isAll(waiting, pendingCount, throughput) ? waiting : undefined
  const [latest, earliest] = [job.deadline.getTime(), now.getTime()]
  const left = wait === undefined ? pendingCount + runningCount : runningCount
  const paced = left === 0 ? earliest : throughput === 0 ? latest : earliest + (left / throughput) * 1000
  return new Date(Math.min(Math.max(paced, wait?.until.getTime() ?? earliest), latest))
}

/** Whether all that is pending waits. Of more than are counted that is taken for true when nothing moves. */
const isAll = ({ count, isCapped }: Waiting, pendingCount: number, throughput: number): boolean =>
  count >= pendingCount || (isCapped && throughput === 0)
