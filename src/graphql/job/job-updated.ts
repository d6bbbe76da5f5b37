import { readInTime } from '../../database/bounded-read.ts'
import { findJobs, findSelectedJob, type JobSelection, type SelectedJob } from '../../job/store/job-list.ts'
import { builder } from '../builder.ts'
import { selectedColumns } from '../columns.ts'
import { askerOf } from '../context.ts'
import { sharedPacedRows } from '../live/paced-rows.ts'
import { either } from '../live/select-events.ts'
import { sharedReads } from '../live/shared-reads.ts'
import { Job } from './job.ts'
import { JobFilter, selectionOf } from './jobs.ts'

/** Maximum number of jobs that are sent at the beginning. */
const maxFirst = 100
/** Maximum number of sent jobs that a subscription remembers. */
const maxRemembered = 1000

/** Without an ID, any job may have changed. */
type Change = { readonly jobId?: string }

const jobsNow = sharedReads<readonly SelectedJob[]>()

builder.subscriptionField('jobUpdated', (t) =>
  t.field({
    type: Job,
    authScopes: { right: 'readJobs' },
    description: `The jobs that match a filter. First sends the newest ${maxFirst} of them, the oldest of these first. Then sends each job that is created or changes, in its current state, at most ten times per second for each job. A sent job that no longer matches the filter is sent once more, with its new status, so that a list can remove it. The hub remembers the ${maxRemembered.toLocaleString('en')} most recently sent jobs for this.`,
    args: { filter: t.arg({ type: JobFilter, description: 'Selects jobs. All when omitted.' }) },
    subscribe: (_root, { filter }, context, info) => {
      const { deps, viewer } = context
      const { events } = deps
      const asked = selectedColumns(info, 'Job')
      // Of the fields of a filter, only the status of a job can change.
      const candidates = { ...selectionOf(filter), statuses: undefined }
      const passes = ({ status }: SelectedJob): boolean =>
        filter?.status == null || filter.status.some((wanted) => wanted === status)
      /** The newest first. */
      const findNewest = (selection: JobSelection, limit: number): Promise<readonly SelectedJob[]> =>
        readInTime(deps, askerOf(context), (db) =>
          findJobs(
            db,
            viewer.scope,
            asked,
            selection,
            { field: 'createdTime', direction: 'desc' },
            { cursor: undefined, limit },
          ),
        )
      const findOne = async (id: string): Promise<readonly SelectedJob[]> => {
        const job = await findSelectedJob(deps.db.reads, viewer.scope, asked, candidates, id)
        return job === undefined ? [] : [job]
      }

      /** Jobs that were sent, with their versions, the most recent at the end. */
      const shown = new Map<string, number>()
      const showOne = (job: SelectedJob): readonly SelectedJob[] => {
        const before = shown.get(job.id)
        if (before === undefined ? !passes(job) : job.version <= before) return []
        shown.delete(job.id)
        if (passes(job)) shown.set(job.id, job.version)
        const [oldest] = shown.keys()
        if (shown.size > maxRemembered && oldest !== undefined) shown.delete(oldest)
        return [job]
      }
      const show = (newestFirst: readonly SelectedJob[]): readonly SelectedJob[] =>
        newestFirst.toReversed().flatMap(showOne)

      return sharedPacedRows(context, either<Change, Change>(events.listen('anyJob'), events.listen('missed')), {
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
