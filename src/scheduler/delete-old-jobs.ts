import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { deleteJobsEndedBefore } from '../job/store/old-jobs.ts'
import type { Step } from './loop.ts'

const day = 24 * 60 * 60 * 1000
// Few at a time: one job may have a million device jobs.
const batch = 5

/**
 * Ended longer ago than `historyDays` → deleted with its device jobs, unless a retry that has not started needs them.
 */
export function deleteOldJobs(deps: Deps, { historyDays }: { readonly historyDays: number }): Step {
  return {
    name: 'delete-old-jobs',
    every: 60 * 60 * 1000,
    wokenBy: [],
    async run(now) {
      const before = new Date(now.getTime() - historyDays * day)
      const deleted = await inTransaction(
        deps,
        (tx) => deleteJobsEndedBefore(tx, before, batch),
        deps.limits.databaseLongStatement,
      )
      if (deleted.length > 0) deps.log.info({ jobs: deleted.length }, 'old jobs deleted')
      return { done: deleted.length, full: deleted.length === batch }
    },
  }
}
