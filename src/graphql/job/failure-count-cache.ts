import { LimitExceededError } from '../../errors.ts'
import {
  addFailures,
  type FailureGroup,
  type FailureTally,
  isUpToDate,
  type JobAtVersion,
  missingSince,
  noFailures,
} from '../../job/failure-groups.ts'
import { failuresKey, findFailures } from '../../job/store/failures.ts'
import type { Scope } from '../../scope.ts'
import { boundedReads, type ReadDeps } from '../bounded-reads.ts'

/**
 * Maximum number of cached counts, one per job and scope. The most recently requested ones are kept: as many as a page has
 * jobs.
 */
const mostTallies = 100

const failures = boundedReads('failures', findFailures, ({ asked }) => asked, failuresKey)

const talliesOf = new WeakMap<object, Map<string, Promise<FailureTally>>>()

/**
 * The failures of a job that the viewer sees whole, at this version or at a later one. Each outcome is read once, by
 * the first request after it was written: a page that follows a large job costs only what is new since its last event.
 * The cache can be lost at any time and is then filled again from the rows.
 *
 * When the new outcomes cannot be read in time, a job that has not ended returns the cached failures. Otherwise this
 * throws a LimitExceededError.
 */
export function findFailureTally(
  deps: ReadDeps,
  scope: Scope,
  job: JobAtVersion & { readonly key: string },
): Promise<FailureTally> {
  const tallies = talliesOf.get(deps.db) ?? new Map<string, Promise<FailureTally>>()
  talliesOf.set(deps.db, tallies)
  const key = JSON.stringify([scope, job.key])
  const before = tallies.get(key) ?? Promise.resolve(noFailures)
  // One after the other, so that concurrent requests find what the first of them has read.
  const reading = before.then((known) => readOn(deps, scope, job, known))
  tallies.delete(key)
  tallies.set(
    key,
    reading.catch(() => before),
  )
  for (const oldest of tallies.keys()) {
    if (tallies.size <= mostTallies) break
    tallies.delete(oldest)
  }
  return reading
}

async function readOn(
  deps: ReadDeps,
  scope: Scope,
  job: JobAtVersion & { readonly key: string },
  known: FailureTally,
): Promise<FailureTally> {
  if (isUpToDate(known, job)) return known
  const since = missingSince(known, job)
  try {
    const [more] = await failures(deps, scope, { jobKey: job.key, since, hasEnded: job.endTime !== null }, undefined)
    return more === undefined ? noFailures : addFailures(since === null ? noFailures : known, more)
  } catch (error) {
    if (error instanceof LimitExceededError && job.endTime === null && known.version !== null) return known
    throw error
  }
}

/** Maximum milliseconds to read the failures of foreign jobs. */
const mostVisibleMs = 1_000

const visibleFailures = boundedReads('failures', findFailures, ({ asked }) => asked, failuresKey, mostVisibleMs)

/**
 * The failures of a foreign job on devices in the scope, the largest group first. They are not added up over time,
 * because devices enter the scope and leave it. LimitExceededError.
 */
export async function findVisibleFailures(
  deps: ReadDeps,
  scope: Scope,
  job: Pick<JobAtVersion, 'endTime'> & { readonly key: string },
): Promise<readonly FailureGroup[]> {
  const asked = { jobKey: job.key, since: null, hasEnded: job.endTime !== null }
  const [found] = await visibleFailures(deps, scope, asked, undefined)
  return found === undefined ? [] : addFailures(noFailures, found).groups
}
