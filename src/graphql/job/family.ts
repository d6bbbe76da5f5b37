import { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import { findFamilies, findFamilyStatistics, findRetries, maxRelatives } from '../../job/store/families.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { perParentInTime } from '../loaders.ts'
import { Job, Statistics } from './job.ts'

// A job may be retried any number of times, and all retries of it are sorted for the newest.
const findRetriesOf = perParentInTime(findRetries, ({ ofKey }) => ofKey)
const findJobsOf = perParentInTime(findFamilies, ({ ofKey }) => ofKey)
const findStatisticsOf = perParentInTime(findFamilyStatistics, ({ familyKey }) => familyKey)

/** The jobs with what the client selects of each: Prisma reads those of one turn together. */
async function readJobs(context: Context, info: GraphQLResolveInfo, relatives: readonly { readonly jobId: string }[]) {
  const { select } = queryFromInfo({ context, info, select: { id: true } })
  const jobs = relatives.map(({ jobId }) => context.deps.db.prisma.job.findUnique({ select, where: { id: jobId } }))
  return (await Promise.all(jobs)).filter((job) => job !== null)
}

/** Most jobs have few, but families in families would be many. */
const relatives = { field: maxRelatives, multiplier: maxRelatives }
const atMost = `At most ${maxRelatives}: the newest.`

const JobFamily = builder.objectRef<{ readonly familyKey: string }>('JobFamily').implement({
  description: 'A job, all retries of it, and all retries of those. A job that was never retried is a family alone.',
  fields: (t) => ({
    jobs: t.field({
      type: [Job],
      complexity: relatives,
      description: `Those that are still kept, the oldest first. ${atMost}`,
      resolve: async ({ familyKey }, _args, context, info) =>
        readJobs(context, info, await findJobsOf(context, familyKey, undefined)),
    }),
    statistics: t.field({
      type: Statistics,
      // All facts of all its jobs are looked at.
      complexity: { field: 30, multiplier: 1 },
      description:
        'How far they are together, every device once: it has succeeded when it did in any of them, else it is where it is in the newest that has it.',
      resolve: async ({ familyKey }, _args, context) => {
        const [statistics] = await findStatisticsOf(context, familyKey, undefined)
        const none = { pendingCount: 0, runningCount: 0, succeededCount: 0, failedCount: 0, cancelledCount: 0 }
        return statistics ?? { deviceCount: 0, ...none }
      },
    }),
  }),
})

builder.prismaObjectFields(Job, (t) => ({
  retryOf: t.field({
    type: Job,
    nullable: true,
    select: { retryOfKey: true },
    description:
      'The job of which this one does a part again; null for any other job, and when that is kept no longer.',
    resolve: ({ retryOfKey }, _args, context, info) => {
      if (retryOfKey === null) return null
      const { select } = queryFromInfo({ context, info, select: { id: true } })
      return context.deps.db.prisma.job.findUnique({ select, where: { key: retryOfKey } })
    },
  }),
  retries: t.field({
    type: [Job],
    select: { key: true },
    complexity: relatives,
    description: `The retries made of it, the oldest first. ${atMost}`,
    resolve: async ({ key }, _args, context, info) =>
      readJobs(context, info, await findRetriesOf(context, String(key), undefined)),
  }),
  family: t.field({
    type: JobFamily,
    select: { key: true, familyKey: true },
    description: 'All jobs that belong together by retries, with this one.',
    resolve: ({ key, familyKey }) => ({ familyKey: String(familyKey ?? key) }),
  }),
}))
