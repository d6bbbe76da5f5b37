import { GraphQLError } from 'graphql'
import { NotFoundError } from '../../errors.ts'
import { findJobsById, type SelectedJob } from '../../job/store/job-list.ts'
import { builder } from '../builder.ts'
import { passesRow, selectedColumns } from '../columns.ts'
import { setEventId } from '../live/event-id.ts'
import { newerStates } from '../live/paced-rows.ts'
import { sharedReads } from '../live/shared-reads.ts'
import { isForeign } from './foreign-job.ts'
import { Job, Statistics, statisticsOfJob } from './job.ts'
import { countedWhenForeign, countVisible } from './visible-statistics.ts'

// All three fields come from one row, so they are always consistent.
const DeviceJobStatisticsUpdate = builder.objectRef<SelectedJob>('DeviceJobStatisticsUpdate').implement({
  description: 'The progress of a job at one point in time.',
  fields: (t) => ({
    job: t.field({
      type: Job,
      ...passesRow(),
      description: 'The job at this point in time.',
      resolve: (job) => job,
    }),
    deviceJobStatistics: t.field({
      type: Statistics,
      nullable: true,
      ...statisticsOfJob(),
      description: `The number of device jobs by status. ${countedWhenForeign}`,
      resolve: (job, _args, context) => (isForeign(job, context) ? countVisible(job, context) : job),
    }),
    version: t.exposeInt('version', {
      description:
        'The version of the job, for `after`. Increases with each change of the job, so updates may skip versions.',
    }),
  }),
})

const jobsAtVersion = sharedReads<SelectedJob | null>()

builder.subscriptionField('deviceJobStatistics', (t) =>
  t.field({
    type: DeviceJobStatisticsUpdate,
    authScopes: { right: 'readJobs' },
    description:
      'The progress of a job. First sends the current state, then the state after changes: at most ten times per second, and always the last state. Completes when the job has ended.',
    args: {
      jobId: t.arg.string({ required: true, description: 'The job ID. An unknown job is a request error NOT_FOUND.' }),
      after: t.arg.int({
        description:
          'The last `version` that the client has received. Only newer versions are sent. A version that the job has not reached is a request error INVALID_CURSOR.',
      }),
    },
    subscribe: (_root, { jobId, after: given }, context, info) => {
      const { deps, viewer, lastEventId } = context
      const after = lastEventId === undefined ? given : versionIn(lastEventId)
      const selected = selectedColumns(info, 'DeviceJobStatisticsUpdate')
      const find = async () => {
        const columns = [...selected, 'version', 'endTime']
        const [job] = await findJobsById(deps.db.reads, viewer.scope, [jobId], columns)
        return job === undefined ? null : setEventId(job, String(job.version))
      }
      return newerStates(context, deps.events.listen('job', jobId), {
        reads: jobsAtVersion,
        find,
        versionOf: ({ version }) => version,
        after: after ?? 0,
        accept(job) {
          if (job === null) throw new NotFoundError('job', jobId)
          if (after != null && (after < 0 || after > job.version)) throw unknownVersion(after, job.version)
          return job
        },
        isLast: ({ endTime }) => endTime !== null,
      })
    },
    resolve: (job) => job,
  }),
)

/** The version in the id of an event. GraphQLError. */
function versionIn(eventId: string): number {
  if (/^\d{1,10}$/.test(eventId)) return Number(eventId)
  throw new GraphQLError('"Last-Event-ID" is not the id of an event of this subscription.', {
    extensions: { code: 'INVALID_CURSOR', argument: 'after' },
  })
}

function unknownVersion(after: number, version: number): GraphQLError {
  return new GraphQLError(
    `"after" is ${after}, but the job is at version ${version}. Give the version of one of its updates, or omit "after".`,
    { extensions: { code: 'INVALID_CURSOR', argument: 'after' } },
  )
}
