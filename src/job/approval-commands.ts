import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import { InvalidInputError } from '../errors.ts'
import type { By } from './history.ts'
import { transition } from './state.ts'
import { steer } from './steer-commands.ts'
import { findRequester } from './store/history.ts'
import { saveApproved, saveRejected } from './store/transitions.ts'

/**
 * Approves a job that waits for it: it waits for its start time from now on, or for a slot. NotFoundError, OutOfScopeError
 * for a foreign job, ConflictError when the job does not wait for an approval, InvalidInputError when the same client
 * scheduled it, or for a reason that is too long.
 */
export async function approveJob(deps: Deps, by: By, jobId: string, reason?: string | null): Promise<void> {
  await steer(deps, by, jobId, reason, async (tx, job, message) => {
    const status = transition(job.status, 'approve')
    await requireSomebodyElse(tx, by, jobId)
    await saveApproved(tx, jobId, status, by, message, deps.clock.now())
    return { result: undefined, wakes: ['jobs'] }
  })
}

/**
 * Rejects a job that waits for an approval: it is cancelled, and never starts. Whoever scheduled it may do so too, because
 * that stops it only. Errors as those of `approveJob`.
 */
export async function rejectJob(deps: Deps, by: By, jobId: string, reason?: string | null): Promise<void> {
  await steer(deps, by, jobId, reason, async (tx, job, message) => {
    const status = transition(job.status, 'reject')
    await saveRejected(tx, jobId, status, by, message, deps.clock.now())
    return { result: undefined, wakes: ['jobs'] }
  })
}

/** A second pair of eyes: InvalidInputError for the client that scheduled the job. */
async function requireSomebodyElse(tx: Tx, by: By, jobId: string): Promise<void> {
  if ((await findRequester(tx, jobId)) !== by.id) return
  throw new InvalidInputError(['jobId'], `You have scheduled job "${jobId}". Somebody else has to approve it.`)
}
