import { inTransaction } from '../database/client.ts'
import { isOutage } from '../database/outage.ts'
import type { Deps } from '../deps.ts'
import { findFinishable, finishJobs as finish, mostFinished, nextDeadline } from '../job/store/transitions.ts'
import { createJobByJob } from './job-by-job.ts'
import { earlier, type Step } from './loop.ts'

/**
 * No open device jobs left, or max execution time reached → ended. Several at once, and one by one as long as one of them cannot be
 * ended: it holds up no other.
 */
export function finishJobs(deps: Deps): Step {
  const name = 'finish-jobs'
  const jobs = createJobByJob(deps, name)

  const finishSeveral = (now: Date): Promise<readonly string[] | undefined> =>
    inTransaction(deps, (tx) => finish(tx, now)).catch((error) => {
      if (isOutage(error)) throw error
      deps.log.warn({ err: error }, 'jobs could not be ended together; ending them one by one')
      return undefined
    })

  const finishEach = async (now: Date): Promise<readonly string[]> => {
    const ended: string[] = []
    await jobs.each(
      await findFinishable(deps.db, now),
      (jobId) => jobId,
      async (jobId) => ended.push(...(await inTransaction(deps, (tx) => finish(tx, now, jobId)))),
    )
    return ended
  }

  return {
    name,
    every: 5_000,
    wokenBy: ['settled', 'jobs'],
    async run(now) {
      const together = jobs.resting().length > 0 ? undefined : await finishSeveral(now)
      const ended = together ?? (await finishEach(now))
      const deadline = await nextDeadline(deps.db)
      for (const jobId of ended) {
        deps.log.info({ job: jobId }, 'job ended')
        deps.events.jobChanged(jobId)
      }
      if (ended.length > 0) deps.events.publish('work', 'jobs', {}) // a queued job may start now
      // That of a job that rests is over.
      const next = deadline !== undefined && deadline > now ? deadline : undefined
      return { done: ended.length, full: together?.length === mostFinished, next: earlier(next, jobs.next()) }
    },
  }
}
