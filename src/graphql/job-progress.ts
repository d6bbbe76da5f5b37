import { queryFromInfo } from '@pothos/plugin-prisma'
import { NotFoundError } from '../errors.ts'
import { builder } from './builder.ts'
import { counters, Job, Statistics } from './job.ts'
import { JobFilter, jobsWhere } from './jobs.ts'
import { live } from './live.ts'

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
      description: 'Grows with each change of the job; later updates have larger ones, with gaps.',
    }),
  }),
})

builder.subscriptionField('deviceJobStatistics', (t) =>
  t.field({
    type: DeviceJobStatisticsUpdate,
    authScopes: { operation: 'readJobs' },
    description:
      'How far a job is: as it is now, then after changes, at most ten times a second and the last one always. Ends when the job has.',
    args: { jobId: t.arg.string({ required: true, description: 'The job. An unknown one is an error NOT_FOUND.' }) },
    subscribe: (_root, { jobId }, context, info) => {
      const { deps } = context
      const { select } = queryFromInfo({ context, info, select: { id: true, version: true, endTime: true } })
      const find = () => deps.db.prisma.job.findUnique({ select, where: { id: jobId } })
      let shown = 0
      return live(context, {
        events: deps.events.subscribe('job', jobId),
        keyOf: (event) => event.jobId,
        first: async () => {
          const job = await find()
          if (job === null) throw new NotFoundError('job', jobId)
          shown = job.version
          return job
        },
        read: async () => {
          const job = await find()
          if (job === null) return null
          if (job.version <= shown) return undefined
          shown = job.version
          return job
        },
        isLast: (job) => job.endTime !== null,
      })
    },
    resolve: (job) => job,
  }),
)

builder.subscriptionField('jobUpdated', (t) =>
  t.field({
    type: Job,
    authScopes: { operation: 'readJobs' },
    description:
      'Each job that appears or changes from now on, as it is then, at most ten times a second each. A job that passes the filter no longer is not shown.',
    args: { filter: t.arg({ type: JobFilter, description: 'Which jobs; all when left out.' }) },
    subscribe: (_root, { filter }, context, info) => {
      const { deps } = context
      const { select } = queryFromInfo({ context, info, select: { id: true } })
      const passing = jobsWhere(filter)
      return live(context, {
        events: deps.events.subscribe('anyJob'),
        keyOf: (event) => event.jobId,
        read: async (id) =>
          (await deps.db.prisma.job.findFirst({ select, where: { AND: [{ id }, passing] } })) ?? undefined,
      })
    },
    resolve: (job) => job,
  }),
)
