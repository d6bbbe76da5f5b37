import { inTransaction } from '../database/client.ts'
import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import { lockJob } from '../job/store/jobs.ts'
import {
  findOpenGate,
  findOpenGates,
  type OpenGate,
  openNextWave,
  saveGateFailed,
  saveReached,
  saveWaitsForApproval,
} from '../job/store/waves.ts'
import { describeShare, type GateStep, nextStep } from '../job/waves.ts'
import { createJobByJob } from './job-by-job.ts'
import { earlier, type Step } from './loop.ts'

/** Milliseconds between two looks at open gates, in case an event was lost. */
const lookInterval = 60_000

/**
 * A wave whose gate passes → the next one is opened; one whose gate fails → the job is paused or cancelled. Gates are judged by
 * the counters of waves. It sleeps while no job has waves. Each gate is judged again under the lock of its job, so it is of no
 * consequence how many instances do so.
 */
export function judgeGates(deps: Deps): Step {
  const name = 'judge-gates'
  const jobs = createJobByJob(deps, name)
  const judge = (jobId: string, now: Date): Promise<boolean> =>
    inTransaction(deps, async (tx, afterCommit) => {
      const job = await lockJob(tx, jobId)
      if (job?.status !== 'running') return false
      const gate = await findOpenGate(tx, jobId)
      if (gate === undefined || !gate.hasLater) return false
      const step = nextStep(gate.gate, gate, gate)
      if (step === 'wait') return false
      await carryOut(tx, gate, step, now)
      afterCommit(() => {
        deps.events.jobChanged(jobId)
        // Devices of the wave may have their turn; or a job has ended and frees its slot.
        for (const kind of ['started', 'jobs'] as const) deps.events.publish('work', kind, {})
      })
      return true
    })

  return {
    name,
    every: 60 * 60 * 1000,
    wokenBy: ['started', 'waves'],
    async run(now) {
      const gates = await findOpenGates(deps.db)
      let done = 0
      await jobs.each(
        gates,
        ({ jobId }) => jobId,
        async (gate) => {
          if (nextStep(gate.gate, gate, gate) !== 'wait' && (await judge(gate.jobId, now))) done++
        },
      )
      const pauses = gates.map(soakLeft)
      const due = gates.length === 0 ? undefined : new Date(now.getTime() + Math.min(lookInterval, ...pauses))
      return { done, full: done > 0, next: earlier(due, jobs.next()) }
    },
  }
}

async function carryOut(tx: Tx, gate: OpenGate, step: Exclude<GateStep, 'wait'>, now: Date): Promise<void> {
  const reason = describeShare(gate.gate, gate.wave, gate)
  switch (step) {
    case 'soak':
      return saveReached(tx, gate)
    case 'askForApproval':
      return saveWaitsForApproval(tx, gate, reason, now)
    case 'open':
      return openNextWave(tx, gate.jobId, { reason, outcome: 'passed' }, now)
    case 'fail':
      return saveGateFailed(tx, gate, gate.gate?.onFailure ?? 'pause', { outcome: 'failed', reason }, now)
  }
}

/** Milliseconds until the soak is over. */
function soakLeft({ gate, secondsReached, waitsForApproval, hasFailed }: OpenGate): number {
  if (secondsReached === null || waitsForApproval || hasFailed) return Number.POSITIVE_INFINITY
  return Math.max(Math.ceil(((gate?.soakSeconds ?? 0) - secondsReached) * 1000), 1)
}
