import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import { ConflictError, InvalidInputError } from '../errors.ts'
import type { By } from './history.ts'
import { transition } from './state.ts'
import { requireRoom, steer } from './steer-commands.ts'
import { findAuthors } from './store/history.ts'
import type { JobRow } from './store/jobs.ts'
import { saveApproved, saveRejected } from './store/transitions.ts'
import { findOpenGate, noteDecision, type OpenGate, openNextWave, saveGateFailed } from './store/waves.ts'
import { mostWaves } from './waves.ts'

/** What is approved or rejected. `wave`: the wave to open, 1 for the start of the job; left out for whatever waits. */
export type Decision = {
  readonly jobId: string
  readonly wave?: number | null | undefined
  readonly reason?: string | null | undefined
}

/**
 * Approves a job that waits for it: it waits for its start time from now on, or for a slot. In a running job with waves, the
 * opening of the next wave is approved. NotFoundError, OutOfScopeError for a foreign job, ConflictError when the job does not
 * wait for this approval, InvalidInputError when the same client scheduled it, for a number that no wave to open has, or for a
 * reason that is too long.
 */
export async function approveJob(deps: Deps, by: By, { jobId, wave, reason }: Decision): Promise<void> {
  checkWave(wave, 1)
  await steer(deps, by, jobId, reason, async (tx, job, message) => {
    const gate = await waitingGate(tx, job, wave)
    if (gate !== undefined) {
      const now = deps.clock.now()
      await requireSomebodyElse(tx, by, jobId)
      await noteDecision(tx, gate, 'approved', { by, reason: message }, now)
      // A rejection is taken back by the approval. A share that was lost stays so.
      const outcome = gate.outcome === 'failed' ? 'skipped' : 'passed'
      await openNextWave(tx, jobId, { by, reason: message, outcome }, now)
      return { result: undefined, wakes: ['started'] }
    }
    const status = transition(job.status, 'approve')
    await requireSomebodyElse(tx, by, jobId)
    await saveApproved(tx, jobId, status, by, message, deps.clock.now())
    return { result: undefined, wakes: ['jobs'] }
  })
}

/**
 * Rejects a job that waits for an approval: it is cancelled, and never starts. In a running job with waves, the gate fails
 * instead, so that the job is paused or cancelled. Whoever scheduled it may do so too, because that stops it only. Errors as
 * those of `approveJob`, and ConflictError when the history of a job that would be paused is full.
 */
export async function rejectJob(deps: Deps, by: By, { jobId, wave, reason }: Decision): Promise<void> {
  checkWave(wave, 1)
  await steer(deps, by, jobId, reason, async (tx, job, message) => {
    const gate = await waitingGate(tx, job, wave)
    if (gate !== undefined) {
      const now = deps.clock.now()
      const action = gate.gate?.onFailure ?? 'pause'
      // After a pause and a resumption, it can be rejected again.
      if (action === 'pause') await requireRoom(tx, jobId)
      await noteDecision(tx, gate, 'rejected', { by, reason: message }, now)
      const reason = `The opening of wave ${gate.wave + 1} was rejected.`
      await saveGateFailed(tx, gate, action, { outcome: 'rejected', reason }, now)
      return { result: undefined, wakes: ['jobs'] }
    }
    const status = transition(job.status, 'reject')
    await saveRejected(tx, jobId, status, by, message, deps.clock.now())
    return { result: undefined, wakes: ['jobs'] }
  })
}

/**
 * Opens the next wave of a running job, whatever the share of its gate and its soak say. NotFoundError, OutOfScopeError for a
 * foreign job, ConflictError when the job does not run or has no such wave to open, or when its gate requires an approval,
 * InvalidInputError for a number that no wave to open has, or for a reason that is too long.
 */
export async function openWave(deps: Deps, by: By, jobId: string, wave: number, reason?: string | null): Promise<void> {
  checkWave(wave, 2)
  await steer(deps, by, jobId, reason, async (tx, job, message) => {
    const gate = await findOpenGate(tx, jobId)
    if (job.status !== 'running' || gate === undefined) {
      throw new ConflictError(`Job "${jobId}" is not a running job with waves, so no wave of it can be opened.`)
    }
    if (!gate.hasLater || wave !== gate.wave + 1) {
      const next = gate.hasLater ? `The next one to open is wave ${gate.wave + 1}.` : 'All waves are open.'
      throw new ConflictError(`Wave ${wave} of job "${jobId}" cannot be opened now. ${next}`)
    }
    if (gate.gate?.approval) {
      throw new ConflictError(
        `The gate of wave ${gate.wave} requires an approval, so wave ${wave} is opened by approveJob.`,
      )
    }
    await openNextWave(tx, jobId, { by, reason: message, outcome: 'skipped' }, deps.clock.now())
    return { result: undefined, wakes: ['started'] }
  })
}

/** InvalidInputError for a number that no wave has which can be opened, or whose opening can be decided. */
function checkWave(wave: Decision['wave'], first: 1 | 2): void {
  if (wave === undefined || wave === null || (wave >= first && wave <= mostWaves)) return
  const start = first === 1 ? '1 is the start of the job' : 'wave 1 is opened by the start of the job'
  throw new InvalidInputError(['wave'], `wave must be a whole number from ${first} to ${mostWaves}: ${start}.`)
}

/**
 * The gate of a running job that waits for an approval only; undefined when the job has no such gate and no wave is given.
 * After a gate has failed and the job was resumed, an approval is the only way on, too. ConflictError when it is not this wave
 * that waits: whoever decides may have seen the job as it was before.
 */
async function waitingGate(
  tx: Tx,
  { id, status, waves }: JobRow,
  wave: Decision['wave'],
): Promise<OpenGate | undefined> {
  if (waves === null || status !== 'running') {
    // The start of a job opens its first wave. A job without waves has it, too.
    if (wave == null || (wave === 1 && status === 'waitingForApproval')) return undefined
    throw new ConflictError(`Wave ${wave} of job "${id}" does not wait for an approval.`)
  }
  const gate = await findOpenGate(tx, id)
  if (!(gate?.hasLater && gate.gate?.approval && (gate.waitsForApproval || gate.hasFailed))) {
    throw new ConflictError(`No wave of job "${id}" waits for an approval.`)
  }
  const next = gate.wave + 1
  if (wave == null || wave === next) return gate
  throw new ConflictError(`Wave ${wave} of job "${id}" does not wait for an approval: wave ${next} does.`)
}

/** A second pair of eyes: InvalidInputError for the clients that decided what the job does. */
async function requireSomebodyElse(tx: Tx, by: By, jobId: string): Promise<void> {
  const { scheduledBy, templateChangedBy } = await findAuthors(tx, jobId)
  const refused = (what: string) =>
    new InvalidInputError(['jobId'], `You have ${what}. Somebody else has to approve it.`)
  if (scheduledBy === by.id) throw refused(`scheduled job "${jobId}"`)
  if (templateChangedBy === by.id) throw refused(`made the last change of the template of job "${jobId}"`)
}
