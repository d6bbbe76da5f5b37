import { inTransaction } from '../database/client.ts'
import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import { ConflictError, NotFoundError } from '../errors.ts'
import type { Work } from '../events/topics.ts'
import type { By } from './history.ts'
import { requireOwnJob } from './own-job.ts'
import { checkReason } from './reason.ts'
import { countEvents } from './store/history.ts'
import { type JobRow, lockJob } from './store/jobs.ts'

/**
 * Changes an own job under its lock, and wakes the loops that `change` names after the commit. NotFoundError, OutOfScopeError
 * for a foreign job, InvalidInputError for a reason that is too long.
 */
export async function steer<Result>(
  deps: Deps,
  by: By,
  jobId: string,
  reason: string | null | undefined,
  change: (
    tx: Tx,
    job: JobRow,
    reason: string | null,
  ) => Promise<{ readonly result: Result; readonly wakes: readonly Work[] }>,
): Promise<Result> {
  const message = checkReason(reason)
  return inTransaction(deps, async (tx, afterCommit) => {
    const job = await lockJob(tx, jobId)
    if (job === undefined) throw new NotFoundError('job', jobId)
    requireOwnJob(by.scope, job)
    const { result, wakes } = await change(tx, job, message)
    afterCommit(() => {
      deps.events.jobChanged(jobId)
      for (const kind of wakes) deps.events.publish('work', kind, {})
    })
    return result
  })
}

/** Events in the history of a job from which on it can neither be paused nor changed. */
const mostEvents = 1_000

/** ConflictError when the history of the job is full. */
export async function requireRoom(tx: Tx, jobId: string): Promise<void> {
  if ((await countEvents(tx, jobId)) < mostEvents) return
  throw new ConflictError(`The history of job "${jobId}" is full, so it can no longer be paused or changed.`)
}
