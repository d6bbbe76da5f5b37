import { countedByRamp, type Rate, stagesOf } from './ramp.ts'
import type { JobStatus } from './state.ts'
import type { DeviceJobStatistics } from './statistics.ts'
import type { JobTargets } from './targets.ts'

/** The fields of a job that these rules read. */
export type JobInTime = Pick<
  DeviceJobStatistics,
  'deviceCount' | 'pendingCount' | 'runningCount' | 'succeededCount' | 'refusedCount' | 'skippedCount' | 'failedCount'
> &
  Rate & {
    readonly status: JobStatus
    readonly startedTime: Date | null
    readonly endTime: Date | null
    readonly deadline: Date
    /** Null for those at the start. */
    readonly targets?: Exclude<JobTargets, 'atStart'> | null
  }

/** The newest outcomes of a job, up to a maximum: their number, and when the first of them was written. */
export type RecentOutcomes = { readonly count: number; readonly since: Date | null; readonly isCapped: boolean }

/** No outcomes in the window. */
export const noOutcomes: RecentOutcomes = { count: 0, since: null, isCapped: false }

/** Milliseconds of the window for rates. */
export const rateWindow = 10_000
/** Minimum window in milliseconds: all outcomes of a batch have the same time. */
const shortest = 100

/**
 * Ended device jobs per second. Before the job has ended: in the last ten seconds, or since its start if that is
 * shorter, or since the first of the read outcomes when there are too many to read. Afterwards: from its start to its
 * end, without device jobs that its cancellation skipped. 0 for a job that has not started.
 */
export function throughputOf(job: Omit<JobInTime, keyof Rate>, recent: RecentOutcomes, now: Date): number {
  const { startedTime, endTime, succeededCount, failedCount } = job
  if (startedTime === null) return 0
  const perSecond = (count: number, ms: number): number => (count * 1000) / Math.max(ms, shortest)
  if (endTime !== null) return perSecond(succeededCount + failedCount, endTime.getTime() - startedTime.getTime())
  const begin = recent.isCapped && recent.since !== null ? recent.since : startedTime
  return perSecond(recent.count, Math.min(now.getTime() - begin.getTime(), rateWindow))
}

/** Pending device jobs of a method job whose devices are not connected, and until when the job waits for them. */
export type Waiting = { readonly count: number; readonly isCapped: boolean; readonly until: Date }

/**
 * The estimated end of a running job at its recent rate; null for other jobs, and for a continuous one, which devices may join until
 * its deadline. It is never after the deadline, and
 * equals the deadline when nothing completes. With a ramp, the rate rises as the ramp does. When all pending device jobs wait for devices that are not connected, it
 * is not before the end of that wait, because nothing tells when they will connect. It is not before the last attempt that device
 * jobs wait for.
 */
export function etaOf(
  job: JobInTime,
  throughput: number,
  waiting: Waiting | undefined,
  now: Date,
  attempts?: WaitingAttempts,
): Date | null {
  const { status, endTime, pendingCount, runningCount, targets } = job
  if (status !== 'running' || endTime !== null || targets === 'continuous') return null
  const wait =
    pendingCount > 0 && waiting !== undefined && isAll(waiting, pendingCount, throughput) ? waiting : undefined
  const [latest, earliest] = [job.deadline.getTime(), now.getTime()]
  const left = wait === undefined ? pendingCount + runningCount : runningCount
  const paced = left === 0 ? earliest : throughput === 0 ? latest : earliest + secondsFor(job, left, throughput) * 1000
  // A rate that has just been set does not show in the outcomes yet.
  const limited = earliest + secondsFor(job, pendingCount) * 1000
  const waits = [wait?.until, attempts?.last].map((end) => end?.getTime() ?? earliest)
  return new Date(Math.min(Math.max(paced, limited, ...waits), latest))
}

/** Seconds in which so many devices have their turn: at the maximum rate of the job, or at a rate that rises as this one does. */
function secondsFor(job: JobInTime, count: number, throughput?: number): number {
  const stages = stagesOf(job, countedByRamp(job), count)
  const seconds = stages.map(({ devices, perMinute, growth }) => {
    if (throughput !== undefined) return devices / (throughput * growth)
    return perMinute === null ? 0 : (devices / perMinute) * 60
  })
  return seconds.reduce((sum, each) => sum + each, 0)
}

/** Device jobs that wait for the time of another attempt, up to a maximum: the first and the last of these times. */
export type WaitingAttempts = { readonly count: number; readonly next: Date; readonly last: Date }

/** Whether all pending device jobs wait. Assumed when more wait than are counted and nothing completes. */
const isAll = ({ count, isCapped }: Waiting, pendingCount: number, throughput: number): boolean =>
  count >= pendingCount || (isCapped && throughput === 0)
