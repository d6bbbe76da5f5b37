import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import { refusedBecauseOf, waitsBecauseOf } from '../job/on-overlap.ts'
import { findFirstOverlap, findStartedJobs, type Overlap, type StartedJob } from '../job/store/awaited-jobs.ts'
import type { JobRow } from '../job/store/jobs.ts'
import { saveFailed, saveWaiting } from '../job/store/transitions.ts'

/** Whether the job does not start while others have some of its devices. */
export const givesWay = ({ onOverlap }: Pick<JobRow, 'onOverlap'>): boolean => onOverlap !== 'parallel'

/** The first started job that has devices of the job. `deviceCount` is left out when the job has stored it. */
export type OverlapSearch = (tx: Tx, deviceCount?: number) => Promise<Overlap | undefined>

/**
 * Looks for started jobs that have devices of one that is about to start. Each look leaves out the jobs that were looked at
 * before and that no device has joined since: so the last one, under the lock for starts, is short.
 */
export function createOverlapSearch(key: string): OverlapSearch {
  const known = new Map<string, number>()
  return async (tx, deviceCount) => {
    const started = (await findStartedJobs(tx)).filter((job) => known.get(job.key) !== job.deviceCount)
    if (started.length === 0) return undefined
    for (const job of started) known.set(job.key, job.deviceCount)
    return findFirstOverlap(tx, key, deviceCount, started)
  }
}

/** Whether the other job still has open device jobs. */
export const isStarted = async (tx: Tx, { key }: StartedJob): Promise<boolean> =>
  (await findStartedJobs(tx)).some((other) => other.key === key)

/** The job waits for the other one, or fails because of it, as it was scheduled to do. Its row is locked. */
export async function giveWay(
  deps: Deps,
  tx: Tx,
  { id, onOverlap }: Pick<JobRow, 'id' | 'onOverlap'>,
  other: Overlap,
  now: Date,
  afterCommit: (work: () => void) => void,
): Promise<void> {
  if (onOverlap === 'refuse') {
    await saveFailed(tx, id, { reason: refusedBecauseOf([other.id]), now })
    afterCommit(() => deps.events.publish('work', 'jobs', {}))
    return
  }
  await saveWaiting(tx, id, {
    awaitedKey: other.key,
    commonDevice: other.deviceId,
    reason: waitsBecauseOf(other.id),
    now,
  })
  afterCommit(() => deps.log.info({ job: id, waitsFor: other.id }, 'job waits for another one'))
}
