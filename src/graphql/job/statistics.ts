import { queryFromInfo } from '@pothos/plugin-prisma'
import { GraphQLError } from 'graphql'
import { NotFoundError } from '../../errors.ts'
import { builder } from '../builder.ts'
import { liveShared } from '../live/live.ts'
import { sharedReads } from '../live/shared-reads.ts'
import { counters, Job, Statistics } from './job.ts'

// One row stands behind all three fields, so that they always belong together.
const DeviceJobStatisticsUpdate = builder.prismaObject('Job', {
  variant: 'DeviceJobStatisticsUpdate',
  select: { id: true, version: true, endTime: true },
  description: 'How far a job is, at one moment.',
  fields: (t) => ({
    job: t.variant(Job, { description: 'The job at that moment.' }),
    deviceJobStatistics: t.field({
      type: Statistics,
      select: counters,
      description: 'Its counters.',
      resolve: (job) => job,
    }),
    version: t.exposeInt('version', {
      description: 'Grows with each change of the job; later updates have larger ones, with gaps. For `after`.',
    }),
  }),
})

type JobAtVersion = { readonly id: string; readonly version: number; readonly endTime: Date | null }

const jobsAtVersion = sharedReads<JobAtVersion | null>()

builder.subscriptionField('deviceJobStatistics', (t) =>
  t.field({
    type: DeviceJobStatisticsUpdate,
    authScopes: { operation: 'readJobs' },
    description:
      'How far a job is: as it is now, then after changes, at most ten times a second and the last one always. Ends when the job has.',
    args: {
      jobId: t.arg.string({ required: true, description: 'The job. An unknown one is an error NOT_FOUND.' }),
      after: t.arg.int({
        description:
          'The `version` that the client has seen: only newer ones come. One that the job has not come to is an error INVALID_CURSOR.',
      }),
    },
    subscribe: (_root, { jobId, after }, context, info) => {
      const { deps } = context
      const { select } = queryFromInfo({ context, info, select: { id: true, version: true, endTime: true } })
      const find = () => deps.db.prisma.job.findUnique({ select, where: { id: jobId } })
      let shown = after ?? 0
      const showNewer = (job: JobAtVersion): readonly JobAtVersion[] => {
        if (job.version <= shown) return []
        shown = job.version
        return [job]
      }
      return liveShared(context, deps.events.listen('job', jobId), {
        keyOf: (event) => event.jobId,
        first: async () => {
          const job = await jobsAtVersion.first(context, find)
          if (job === null) throw new NotFoundError('job', jobId)
          if (shown < 0 || shown > job.version) throw unknownVersion(shown, job.version)
          const rows = showNewer(job)
          return rows.length === 0 && job.endTime !== null ? null : rows
        },
        reads: jobsAtVersion,
        find,
        show: (job) => (job === null ? null : showNewer(job)),
        isLast: (job) => job.endTime !== null,
      })
    },
    resolve: (job) => job,
  }),
)

function unknownVersion(after: number, version: number): GraphQLError {
  return new GraphQLError(
    `"after" is ${after}, but this job is at version ${version}: give the version of one of its updates, or none.`,
    { extensions: { code: 'INVALID_CURSOR', argument: 'after' } },
  )
}
