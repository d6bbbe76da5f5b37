import type { Deps } from '../deps.ts'
import { takeSamples as take } from '../job/store/samples.ts'
import type { Step } from './loop.ts'

/** The shortest time between two statements: half of the shortest interval of samples, so none is left out. */
const shortestPause = 500

/**
 * Open → the counters are kept, so that the progress of a job over time can be shown. It sleeps while no job runs. Each
 * instance takes the samples of all jobs, and those that another one has taken are not taken twice. Jobs start at
 * different moments; those whose samples are due within half a second share a statement.
 */
export function takeSamples(deps: Deps): Step {
  let last: Date | undefined
  return {
    name: 'take-samples',
    every: 60 * 60 * 1000,
    wokenBy: ['started'],
    async run(now) {
      // The clock may have been set back.
      const pause = last === undefined || now < last ? 0 : last.getTime() + shortestPause - now.getTime()
      if (pause > 0) return { done: 0, full: false, next: new Date(now.getTime() + pause) }
      const due = await deps.db.autocommit((tx) => take(tx, now))
      last = now
      return { done: 0, full: false, next: due && new Date(Math.max(due.getTime(), now.getTime() + shortestPause)) }
    },
  }
}
