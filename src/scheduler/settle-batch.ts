import type { Deps } from '../deps.ts'
import { type SettledFrom, type Settlement, settle } from '../job/store/facts.ts'
import type { JobByJob } from './job-by-job.ts'
import { publishProgress } from './publish-progress.ts'

/** Writes outcomes of several jobs in one statement. Returns those that are left, because their job rests after a failure. */
export const settleBatch = <Outcome extends Settlement>(
  deps: Deps,
  jobs: JobByJob,
  outcomes: readonly Outcome[],
  { from, now }: { readonly from: SettledFrom; readonly now: Date },
): Promise<readonly Outcome[]> =>
  jobs.together(outcomes, async (some) =>
    publishProgress(deps, some, await deps.db.autocommit((tx) => settle(tx, some, from, now))),
  )
