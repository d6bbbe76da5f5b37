import type { Deps } from '../deps.ts'
import { countJobs } from '../job/store/jobs.ts'

/** Milliseconds for which the numbers of jobs are kept, however often the metrics are printed. */
const keptMs = 5_000
/** Jobs of one status that are counted. */
const mostJobs = 10_000

/** Gives the number of jobs by status to the metrics. They are counted only when the metrics are printed. */
export function reportJobs({ db, clock, metrics }: Pick<Deps, 'db' | 'clock' | 'metrics'>): void {
  let counted: { readonly at: number; readonly jobs: ReturnType<typeof countJobs> } | undefined
  metrics?.read('twincast_jobs', async () => {
    const now = clock.elapsed()
    if (counted === undefined || now - counted.at >= keptMs) counted = { at: now, jobs: countJobs(db.reads, mostJobs) }
    return (await counted.jobs).map(({ status, count }) => ({ labels: { status }, value: count }))
  })
}
