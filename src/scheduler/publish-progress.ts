import type { Deps } from '../deps.ts'
import type { JobProgress } from '../job/store/facts.ts'

/** After facts were committed: notifies subscribers of the jobs, and has jobs without open device jobs finished. */
export function publishProgress(deps: Pick<Deps, 'events'>, progress: readonly JobProgress[]): void {
  for (const { jobId } of progress) deps.events.jobChanged(jobId)
  if (progress.some(({ open }) => open === 0)) deps.events.publish('work', 'settled', {})
}
