import { queryFromInfo } from '@pothos/plugin-prisma'
import { builder } from './builder.ts'
import { either } from './either.ts'
import { Job } from './job.ts'
import { JobFilter, jobsWhere } from './jobs.ts'
import { liveShared } from './live.ts'
import { sharedReads } from './shared-reads.ts'

/** Jobs that are shown at the beginning. */
const maxFirst = 100
/** Jobs of which a subscription remembers that it has shown them. */
const maxRemembered = 1000

type JobNow = { readonly id: string; readonly version: number; readonly status: string }

/** Without an id any of them may have changed. */
type Change = { readonly jobId?: string }

const jobsNow = sharedReads<readonly JobNow[]>()

builder.subscriptionField('jobUpdated', (t) =>
  t.field({
    type: Job,
    authScopes: { operation: 'readJobs' },
    description: `First the newest ${maxFirst} jobs that pass the filter, the oldest of those first; then each job that appears or changes, as it is then, at most ten times a second each. A job that was shown and passes the filter no longer is shown once more, with the status that it has now, so that a list can drop it; this is remembered of the ${maxRemembered.toLocaleString('en')} jobs that were shown last.`,
    args: { filter: t.arg({ type: JobFilter, description: 'Which jobs; all when left out.' }) },
    subscribe: (_root, { filter }, context, info) => {
      const { db, events } = context.deps
      const { select } = queryFromInfo({ context, info, select: { id: true, version: true, status: true } })
      // Of what a filter asks for, only the status of a job can change.
      const candidates = jobsWhere({ ...filter, status: null })
      const passes = ({ status }: JobNow): boolean =>
        filter?.status == null || filter.status.some((wanted) => wanted === status)
      /** The newest first. */
      const findNewest = (where: typeof candidates, take: number): Promise<readonly JobNow[]> =>
        db.prisma.job.findMany({ select, where, orderBy: [{ createdTime: 'desc' }, { id: 'desc' }], take })

      /** Jobs that were shown, with their versions, those shown last at the end. */
      const shown = new Map<string, number>()
      const showOne = (job: JobNow): readonly JobNow[] => {
        const before = shown.get(job.id)
        if (before === undefined ? !passes(job) : job.version <= before) return []
        shown.delete(job.id)
        if (passes(job)) shown.set(job.id, job.version)
        const [oldest] = shown.keys()
        if (shown.size > maxRemembered && oldest !== undefined) shown.delete(oldest)
        return [job]
      }
      const show = (newestFirst: readonly JobNow[]): readonly JobNow[] => newestFirst.toReversed().flatMap(showOne)

      return liveShared(context, either<Change, Change>(events.listen('anyJob'), events.listen('missed')), {
        keyOf: ({ jobId }) => jobId ?? '',
        first: async () => show(await jobsNow.first(context, () => findNewest(jobsWhere(filter), maxFirst))),
        reads: jobsNow,
        find: (id) =>
          id === '' ? findNewest(candidates, maxRemembered) : findNewest({ AND: [{ id }, candidates] }, 1),
        show,
      })
    },
    resolve: (job) => job,
  }),
)
