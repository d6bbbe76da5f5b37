import { isOutage } from '../database/outage.ts'
import type { Deps } from '../deps.ts'
import { type SettledFrom, type Settlement, settle } from '../job/store/facts.ts'
import { createJobByJob } from './job-by-job.ts'
import { publishProgress } from './publish-progress.ts'

/** Writes outcomes of several jobs at a time. */
export type BatchSettling = {
  /**
   * Writes them in one statement; when that fails, those of each job by themselves, so that a bad job holds up no other. Returns
   * those that are still to be written, because their job rests after a failure. Rejects when the database is unreachable.
   */
  settle<S extends Settlement>(settlements: readonly S[], from: SettledFrom, now: Date): Promise<readonly S[]>
  /** Whether the job rests after a failure. */
  rests(jobId: string): boolean
}

/** `step`: the name of what settles, for the log and the metrics. */
export function createBatchSettling(deps: Deps, step: string): BatchSettling {
  const jobs = createJobByJob(deps, step)
  const write = async (settlements: readonly Settlement[], from: SettledFrom, now: Date): Promise<void> => {
    publishProgress(deps, settlements, await deps.db.autocommit((tx) => settle(tx, settlements, from, now)))
  }
  return {
    rests: jobs.rests,
    async settle<S extends Settlement>(settlements: readonly S[], from: SettledFrom, now: Date) {
      // A bad job is rare: nothing is looked up for each outcome otherwise.
      const isAnyResting = jobs.resting().length > 0
      const ready = isAnyResting ? settlements.filter(({ jobId }) => !jobs.rests(jobId)) : settlements
      const written = new Set<S>()
      const writeSome = async (some: readonly S[]): Promise<void> => {
        if (some.length > 0) await write(some, from, now)
        for (const settlement of some) written.add(settlement)
      }
      try {
        await writeSome(ready)
        if (!isAnyResting) return []
      } catch (error) {
        if (isOutage(error)) throw error
        await jobs.each(
          new Set(ready.map(({ jobId }) => jobId)),
          (id) => id,
          (id) => writeSome(ready.filter(({ jobId }) => jobId === id)),
        )
      }
      return settlements.filter((settlement) => !written.has(settlement))
    },
  }
}
