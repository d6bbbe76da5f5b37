import { type BoundedReader, isOutOfTime, limitTime } from '../database/bounded-read.ts'
import { inTransaction, type Tx, undoneOnFailure } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { QueryConditionError } from '../errors.ts'
import { clearTargets, expandJob } from '../job/fact-store.ts'
import { tooManyDevices } from '../job/preview.ts'
import { expandRetry } from '../job/retry-store.ts'
import type { JobRow } from '../job/store.ts'
import {
  lockNextDueJob,
  lockStarting,
  nextStartTime,
  queueDueJobs,
  saveFailed,
  saveStarted,
} from '../job/transition-store.ts'
import { compileCondition } from '../query/compiler.ts'
import { deviceFields } from '../query/fields.ts'
import { parseCondition } from '../query/parser.ts'
import type { Step } from './loop.ts'

/** Scheduled and due → queued → running, its devices fixed: one job a turn, at most `maxRunning` at a time. */
export function startDueJobs(deps: Deps, { maxRunning }: { readonly maxRunning: number }): Step {
  const longest = deps.limits.databaseLongStatement
  return {
    name: 'start-due-jobs',
    every: 5_000,
    wokenBy: ['jobs'],
    async run(now) {
      const queued = await inTransaction(deps, (tx) => queueDueJobs(tx, now))
      for (const jobId of queued) deps.events.jobChanged(jobId)

      const started = await inTransaction(
        deps,
        async (tx, afterCommit) => {
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
            const deviceCount = await undoneOnFailure(tx, async () => fixDevices(await limitTime(tx, longest), job))
            if (job.maxDevices !== null && deviceCount > job.maxDevices) {
              await clearTargets(tx, job.id)
              await saveFailed(tx, job.id, tooManyDevices(deviceCount, job.maxDevices), now)
              return true
            }
            await saveStarted(tx, job.id, { status: deviceCount === 0 ? 'completed' : 'running', deviceCount, now })
            afterCommit(() => {
              deps.log.info({ job: job.id, devices: deviceCount }, 'job started')
              deps.events.publish('work', 'started', {})
            })
          } catch (error) {
            const reason = whyItCannotStart(error)
            if (reason === undefined) throw error
            await saveFailed(tx, job.id, reason, now)
          }
          return true
        },
        longest,
      )
      return { done: started ? 1 : 0, full: started, next: await nextStartTime(deps.db) }
    },
  }
}

/** Answers how many they are. */
function fixDevices(tx: Tx & BoundedReader, { id, queryCondition, retry }: JobRow): Promise<number> {
  const condition = compileCondition(parseCondition(queryCondition), deviceFields)
  return retry === null ? expandJob(tx, id, condition) : expandRetry(tx, id, condition, retry)
}

/** Undefined for a fault that may pass. A job that can never start must not keep those behind it from starting. */
function whyItCannotStart(error: unknown): string | undefined {
  // It parsed when it was scheduled: an older version of the language let it in.
  if (error instanceof QueryConditionError) return `The query condition no longer works: ${error.message}`
  if (isOutOfTime(error)) return 'It took more than two minutes to find the devices that meet the query condition.'
  return undefined
}
