import type { Deps } from '../deps.ts'
import { takeSamples as take } from '../job/store/samples.ts'
import type { Step } from './loop.ts'

/**
 * Open → the counters are kept, so that the progress of a job over time can be shown. It sleeps while no job runs. Each
 * instance takes the samples of all jobs, and those that another one has taken are not taken twice.
 */
export function takeSamples(deps: Deps): Step {
  return {
    name: 'take-samples',
    every: 60 * 60 * 1000,
    wokenBy: ['started'],
    async run(now) {
      const next = await deps.db.autocommit((tx) => take(tx, now))
      return { done: 0, full: false, next }
    },
  }
}
