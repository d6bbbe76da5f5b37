import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { finishJobs as finish, mostFinished, nextDeadline } from '../job/store/transitions.ts'
import type { Step } from './loop.ts'

/** No open device jobs left, or max execution time reached → ended. */
export function finishJobs(deps: Deps): Step {
  return {
    name: 'finish-jobs',
    every: 5_000,
    wokenBy: ['settled', 'jobs'],
    async run(now) {
      const { ended, next } = await inTransaction(deps, async (tx) => ({
        ended: await finish(tx, now),
        next: await nextDeadline(tx),
      }))
      for (const jobId of ended) {
        deps.log.info({ job: jobId }, 'job ended')
        deps.events.jobChanged(jobId)
      }
      if (ended.length > 0) deps.events.publish('work', 'jobs', {}) // a queued job may start now
      return { done: ended.length, full: ended.length === mostFinished, next }
    },
  }
}
