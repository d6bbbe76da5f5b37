import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { QueryConditionError } from '../errors.ts'
import { expandJob } from '../job/fact-store.ts'
import { lockNextDueJob, lockStarting, nextStartTime, queueDueJobs, saveFailed, saveStarted } from '../job/store.ts'
import { compileCondition } from '../query/compiler.ts'
import { deviceFields } from '../query/fields.ts'
import { parseCondition } from '../query/parser.ts'
import type { Step } from './loop.ts'

/** Scheduled and due → queued → running, its devices fixed: one job a turn, at most `maxRunning` at a time. */
export function startDueJobs(deps: Deps, { maxRunning }: { readonly maxRunning: number }): Step {
  return {
    name: 'start-due-jobs',
    every: 5_000,
    wokenBy: ['jobs'],
    async run(now) {
      const queued = await inTransaction(deps, (tx) => queueDueJobs(tx, now))
      for (const jobId of queued) deps.events.jobChanged(jobId)

      const started = await inTransaction(deps, async (tx, afterCommit) => {
        await lockStarting(tx)
        const job = await lockNextDueJob(tx, maxRunning)
        if (job === undefined) return false
        afterCommit(() => deps.events.jobChanged(job.id))
        if (job.deadline <= now) {
          // Left to finish-jobs, which knows the reason; only there does a job's time run out.
          afterCommit(() => deps.events.publish('work', 'settled', {}))
          return false
        }
        try {
          const condition = compileCondition(parseCondition(job.queryCondition), deviceFields)
          const deviceCount = await expandJob(tx, job.id, condition)
          await saveStarted(tx, job.id, { status: deviceCount === 0 ? 'completed' : 'running', deviceCount, now })
          afterCommit(() => {
            deps.log.info({ job: job.id, devices: deviceCount }, 'job started')
            deps.events.publish('work', 'deviceJobs', {})
          })
        } catch (error) {
          // It parsed when it was scheduled: an older version of the language let it in.
          if (!(error instanceof QueryConditionError)) throw error
          await saveFailed(tx, job.id, `The query condition no longer works: ${error.message}`, now)
        }
        return true
      })
      return { done: started ? 1 : 0, full: started, next: await nextStartTime(deps.db) }
    },
  }
}
