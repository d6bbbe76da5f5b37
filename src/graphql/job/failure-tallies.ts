import { LimitExceededError } from '../../errors.ts'
import {
  addFailures,
  type FailureTally,
  isUpToDate,
  type JobAtVersion,
  missingSince,
  noFailures,
} from '../../job/failure-groups.ts'
import { failuresKey, findFailures } from '../../job/store/failures.ts'
import { boundedReads, type ReadDeps } from '../bounded-reads.ts'

/** Jobs whose failures are remembered, those that were asked for last: as many as there are on a page. */
const mostTallies = 100

const failures = boundedReads('failures', findFailures, ({ asked }) => asked, failuresKey)

const talliesOf = new WeakMap<object, Map<string, Promise<FailureTally>>>()

/**
 * The failures of a job as it was at that version, or later. Each outcome is read once, by whoever asks first after it
 * was written, and not again by each who asks: a page that follows a large job costs what is new since its last event.
 * What is remembered can be lost at any time, and is then read anew from the rows.
 *
 * When there is no time to read what is new, a job that goes on is answered as it was known before; else that is a
 * LimitExceededError.
 */
export function findFailureTally(deps: ReadDeps, job: JobAtVersion & { readonly key: bigint }): Promise<FailureTally> {
  const tallies = talliesOf.get(deps.db) ?? new Map<string, Promise<FailureTally>>()
  talliesOf.set(deps.db, tallies)
  const jobKey = String(job.key)
  const before = tallies.get(jobKey) ?? Promise.resolve(noFailures)
  // In a line, so that those who ask at the same time find what the first of them read.
  const reading = before.then((known) => readOn(deps, jobKey, job, known))
  tallies.delete(jobKey)
  tallies.set(
    jobKey,
    reading.catch(() => before),
  )
  for (const oldest of tallies.keys()) {
    if (tallies.size <= mostTallies) break
    tallies.delete(oldest)
  }
  return reading
}

async function readOn(deps: ReadDeps, jobKey: string, job: JobAtVersion, known: FailureTally): Promise<FailureTally> {
  if (isUpToDate(known, job)) return known
  const since = missingSince(known, job)
  try {
    const [more] = await failures(deps, { jobKey, since, hasEnded: job.endTime !== null }, undefined)
    return more === undefined ? noFailures : addFailures(since === null ? noFailures : known, more)
  } catch (error) {
    if (error instanceof LimitExceededError && job.endTime === null && known.version !== null) return known
    throw error
  }
}
