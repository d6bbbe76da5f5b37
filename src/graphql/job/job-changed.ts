import type { GraphQLResolveInfo } from 'graphql'
import { readInTime } from '../../database/bounded-read.ts'
import {
  findJobs,
  findWhetherSelected,
  type JobSelection,
  type MaybeSelectedJob,
  type SelectedJob,
} from '../../job/store/job-list.ts'
import { builder } from '../builder.ts'
import { selectedColumns } from '../columns.ts'
import { askerOf, type Context } from '../context.ts'
import { sharedPacedRows } from '../live/paced-rows.ts'
import { either } from '../live/select-events.ts'
import { sharedReads } from '../live/shared-reads.ts'
import type { Source } from '../live/source.ts'
import { encodeNodeId } from '../node-id.ts'
import { isForeign } from './foreign-job.ts'
import { Job } from './job.ts'
import { JobEdge, JobFilter, jobEdge, selectionOf } from './jobs.ts'

/** Maximum number of jobs that are sent at the beginning. */
const maxFirst = 100
/** Maximum number of sent jobs that a subscription remembers. */
const maxRemembered = 1000

/** Without an ID, any job may have changed. */
type Change = { readonly jobId?: string }

/** A job that is selected, or one whose change was reported. */
type FollowedJob = SelectedJob & Partial<Pick<MaybeSelectedJob, 'isSelected'>>

const jobsNow = sharedReads<readonly FollowedJob[]>()

/** A state of a job, as one subscription sends it. */
type Update = {
  readonly job: SelectedJob
  /** Whether the job was created after the subscription had begun, and was not sent before. */
  readonly isNew: boolean
  /** Whether it still matches the filter. */
  readonly matches: boolean
}

/** The updates with a row. Subscriptions that get the same object share its execution. */
const updatesOf = new WeakMap<SelectedJob, Update[]>()

function updateOf(job: SelectedJob, isNew: boolean, matches: boolean): Update {
  const known = updatesOf.get(job) ?? []
  updatesOf.set(job, known)
  const same = known.find((one) => one.isNew === isNew && one.matches === matches)
  if (same !== undefined) return same
  const update = { job, isNew, matches }
  known.push(update)
  return update
}

const JobUpdate = builder.objectRef<Update>('JobUpdate').implement({
  description: 'A job that was created or has changed.',
  fields: (t) => ({
    job: t.field({ type: Job, description: 'The job in its current state.', resolve: ({ job }) => job }),
    isNew: t.exposeBoolean('isNew', {
      description: 'Whether the job was created after the subscription had begun, and is sent for the first time.',
    }),
    edge: t.field({
      type: JobEdge,
      nullable: true,
      description:
        'The job as an edge of `jobs` in its default order, to insert it into such a list. Null when the job no longer matches the filter.',
      resolve: ({ job, matches }) => (matches ? jobEdge(job) : null),
    }),
    removedId: t.id({
      nullable: true,
      description:
        'The global ID of the job when it no longer matches the filter, to remove it from lists. Null when it matches.',
      resolve: ({ job, matches }) => (matches ? null : encodeNodeId('Job', job.id)),
    }),
  }),
})

/** Follows the jobs that match a filter. `rowOf` makes what is sent. */
function followJobs<Row>(
  context: Context,
  info: GraphQLResolveInfo,
  filter: typeof JobFilter.$inferInput | null | undefined,
  rowOf: (update: Update) => Row,
): Promise<Source<Row>> {
  const { deps, viewer } = context
  const { events } = deps
  const begun = deps.clock.now()
  const selection = selectionOf(filter)
  // A job that matches a filter may later have another status, or failures. These are compared here.
  const withoutFailures = selection.hasFailures === false
  const candidates = { ...selection, statuses: undefined, ...(withoutFailures && { hasFailures: undefined }) }
  const compared = ['status', 'version', ...(withoutFailures ? ['failedCount', 'refusedCount'] : [])]
  const asked = [...selectedColumns(info, 'Job'), ...compared]
  const passes = (job: FollowedJob): boolean => {
    // Its name or its labels may have changed.
    if (job.isSelected === false) return false
    if (selection.statuses?.includes(job.status) === false) return false
    if (!withoutFailures) return true
    // The failures of a foreign job are not counted, so it does not match.
    return job.status !== 'failed' && job.failedCount + job.refusedCount === 0 && !isForeign(job, context)
  }
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
  const findOne = async (id: string): Promise<readonly FollowedJob[]> => {
    const job = await findWhetherSelected(deps.db.reads, viewer.scope, asked, candidates, id)
    return job === undefined ? [] : [job]
  }

  /** Jobs that were sent, with their versions, the most recent at the end. */
  const shown = new Map<string, number>()
  const showOne = (job: FollowedJob): readonly Row[] => {
    const before = shown.get(job.id)
    const matches = passes(job)
    if (before === undefined ? !matches : job.version <= before) return []
    shown.delete(job.id)
    if (matches) shown.set(job.id, job.version)
    const [oldest] = shown.keys()
    if (shown.size > maxRemembered && oldest !== undefined) shown.delete(oldest)
    return [rowOf(updateOf(job, before === undefined && job.createdTime >= begun, matches))]
  }
  const show = (newestFirst: readonly FollowedJob[]): readonly Row[] => newestFirst.toReversed().flatMap(showOne)

  return sharedPacedRows(context, either<Change, Change>(events.listen('anyJob'), events.listen('missed')), {
    keyOf: ({ jobId }) => jobId ?? '',
    first: async () => show(await jobsNow.first(context, () => findNewest(selection, maxFirst))),
    reads: jobsNow,
    find: (id) => (id === '' ? findNewest(candidates, maxRemembered) : findOne(id)),
    show,
  })
}

const sends = `First sends the newest ${maxFirst} of them, the oldest of these first. Then sends each job that is created or changes, in its current state, at most ten times per second for each job. A sent job that no longer matches the filter is sent once more, with its new status, so that a list can remove it. The hub remembers the ${maxRemembered.toLocaleString('en')} most recently sent jobs for this.`

builder.subscriptionField('jobChanged', (t) =>
  t.field({
    type: JobUpdate,
    authScopes: { right: 'readJobs' },
    description: `The jobs that match a filter. ${sends}`,
    args: { filter: t.arg({ type: JobFilter, description: 'Selects jobs. All when omitted.' }) },
    subscribe: (_root, { filter }, context, info) => followJobs(context, info, filter, (update) => update),
    resolve: (update) => update,
  }),
)

builder.subscriptionField('jobUpdated', (t) =>
  t.field({
    type: Job,
    authScopes: { right: 'readJobs' },
    deprecationReason: 'Use `jobChanged`, which also says whether a job is new and where it belongs in a list.',
    description: `The jobs that match a filter. ${sends}`,
    args: { filter: t.arg({ type: JobFilter, description: 'Selects jobs. All when omitted.' }) },
    subscribe: (_root, { filter }, context, info) => followJobs(context, info, filter, ({ job }) => job),
    resolve: (job) => job,
  }),
)
