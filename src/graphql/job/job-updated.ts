import { queryFromInfo } from '@pothos/plugin-prisma'
import { readInTime } from '../../database/bounded-read.ts'
import { findJobs, findSelectedJob, type JobSelection, type ListedJob } from '../../job/store/job-list.ts'
import { builder } from '../builder.ts'
import { askerOf } from '../context.ts'
import { either } from '../live/listen.ts'
import { liveShared } from '../live/live.ts'
import { sharedReads } from '../live/shared-reads.ts'
import { Job } from './job.ts'
import { JobFilter, selectionOf } from './jobs.ts'

/** Jobs that are shown at the beginning. */
const maxFirst = 100
/** Jobs of which a subscription remembers that it has shown them. */
const maxRemembered = 1000

/** Without an id any of them may have changed. */
type Change = { readonly jobId?: string }

const jobsNow = sharedReads<readonly ListedJob[]>()

builder.subscriptionField('jobUpdated', (t) =>
  t.field({
    type: Job,
    authScopes: { operation: 'readJobs' },
    description: `First the newest ${maxFirst} jobs that pass the filter, the oldest of those first; then each job that appears or changes, as it is then, at most ten times a second each. A job that was shown and passes the filter no longer is shown once more, with the status that it has now, so that a list can drop it; this is remembered of the ${maxRemembered.toLocaleString('en')} jobs that were shown last.`,
    args: { filter: t.arg({ type: JobFilter, description: 'Which jobs; all when left out.' }) },
    subscribe: (_root, { filter }, context, info) => {
      const { deps } = context
      const { events } = deps
      const { select } = queryFromInfo({ context, info, select: { id: true } })
      const asked = Object.keys(select)
      // Of what a filter asks for, only the status of a job can change.
      const candidates = { ...selectionOf(filter), statuses: undefined }
      const passes = ({ status }: ListedJob): boolean =>
        filter?.status == null || filter.status.some((wanted) => wanted === status)
      /** The newest first. */
      const findNewest = (selection: JobSelection, limit: number): Promise<readonly ListedJob[]> =>
        readInTime(deps, askerOf(context), (db) =>
          findJobs(db, asked, selection, { field: 'createdTime', direction: 'desc' }, { cursor: undefined, limit }),
        )
      const findOne = async (id: string): Promise<readonly ListedJob[]> => {
        const job = await findSelectedJob(deps.db.reads, asked, candidates, id)
        return job === undefined ? [] : [job]
      }

      /** Jobs that were shown, with their versions, those shown last at the end. */
      const shown = new Map<string, number>()
      const showOne = (job: ListedJob): readonly ListedJob[] => {
        const before = shown.get(job.id)
        if (before === undefined ? !passes(job) : job.version <= before) return []
        shown.delete(job.id)
        if (passes(job)) shown.set(job.id, job.version)
        const [oldest] = shown.keys()
        if (shown.size > maxRemembered && oldest !== undefined) shown.delete(oldest)
        return [job]
      }
      const show = (newestFirst: readonly ListedJob[]): readonly ListedJob[] =>
        newestFirst.toReversed().flatMap(showOne)

      return liveShared(context, either<Change, Change>(events.listen('anyJob'), events.listen('missed')), {
        keyOf: ({ jobId }) => jobId ?? '',
        first: async () => show(await jobsNow.first(context, () => findNewest(selectionOf(filter), maxFirst))),
        reads: jobsNow,
        find: (id) => (id === '' ? findNewest(candidates, maxRemembered) : findOne(id)),
        show,
      })
    },
    resolve: (job) => job,
  }),
)
