import type { Deps } from '../deps.ts'
import type { JobProgress } from '../job/store/facts.ts'

/** After facts were committed: those who watch the jobs look again, and jobs with nothing left open are finished. */
export function tellProgress(deps: Pick<Deps, 'events'>, progress: readonly JobProgress[]): void {
  for (const { jobId } of progress) deps.events.jobChanged(jobId)
  if (progress.some(({ open }) => open === 0)) deps.events.publish('work', 'settled', {})
}
