import type { GraphQLResolveInfo } from 'graphql'
import { findFamilies, findFamilyStatistics, findRetries, maxRelatives } from '../../job/store/families.ts'
import { findJobsByKey } from '../../job/store/job-list.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { perParentInTime } from '../loaders.ts'
import { mayFail } from '../may-fail.ts'
import { rowsByKey } from '../rows.ts'
import { withoutScope } from '../without-scope.ts'
import { isForeign } from './foreign-job.ts'
import { findJob, Job, ofJob, Statistics } from './job.ts'
import { countedWhenForeign, countVisibleInFamily, noDevices } from './visible-statistics.ts'

// A job may be retried any number of times, and all its retries are sorted to find the newest.
const findRetriesOf = perParentInTime(withoutScope(findRetries), ({ ofKey }) => ofKey)
const findJobsOf = perParentInTime(withoutScope(findFamilies), ({ ofKey }) => ofKey)
const findStatisticsOf = perParentInTime(withoutScope(findFamilyStatistics), ({ familyKey }) => familyKey)

const findJobByKey = rowsByKey('Job', findJobsByKey, ({ key }) => key)

/** The jobs that still exist, with the fields that the client selects. */
async function readJobs(context: Context, info: GraphQLResolveInfo, relatives: readonly { readonly jobId: string }[]) {
  const jobs = await Promise.all(relatives.map(({ jobId }) => findJob(context, info, jobId)))
  return jobs.filter((job) => job !== undefined)
}

/** Most jobs have few relatives, but nested families would be many objects. */
const relatives = { field: maxRelatives, multiplier: maxRelatives }
const atMost = `Limited to the newest ${maxRelatives}.`

/** The retries of a job keep its scope, so a family is foreign when one of its jobs is. */
type Family = { readonly familyKey: string; readonly isForeign: boolean }

const JobFamily = builder.objectRef<Family>('JobFamily').implement({
  description: 'A job, its retries, and all their retries. A job without retries is a family of one job.',
  fields: (t) => ({
    jobs: t.field({
      type: [Job],
      complexity: relatives,
      ...mayFail(`The jobs of the family that are still kept, the oldest first. ${atMost}`),
      resolve: async ({ familyKey }, _args, context, info) =>
        readJobs(context, info, await findJobsOf(context, familyKey, undefined)),
    }),
    statistics: t.field({
      type: Statistics,
      nullable: true,
      // All facts of all jobs of the family are read.
      complexity: { field: 30, multiplier: 1 },
      description: `The statistics of the whole family, in which each device counts once. A device has succeeded if it succeeded in any job of the family. Otherwise it counts with its status in the newest job that contains it. ${countedWhenForeign}`,
      resolve: async (family, _args, context) => {
        const { familyKey } = family
        if (family.isForeign) return countVisibleInFamily(familyKey, context)
        const [statistics] = await findStatisticsOf(context, familyKey, undefined)
        return statistics ?? noDevices
      },
    }),
  }),
})

builder.objectFields(Job, (t) => ({
  retryOf: t.field({
    type: Job,
    nullable: true,
    ...ofJob('retryOfKey'),
    description:
      'The job of which this job is a retry. Null when this job is not a retry, or when the other job is no longer kept.',
    resolve: ({ retryOfKey }, _args, context, info) =>
      retryOfKey === null ? null : findJobByKey(context, info, retryOfKey),
  }),
  retries: t.field({
    type: [Job],
    ...ofJob('key'),
    complexity: relatives,
    ...mayFail(`The retries of this job, the oldest first. ${atMost}`),
    resolve: async ({ key }, _args, context, info) =>
      readJobs(context, info, await findRetriesOf(context, key, undefined)),
  }),
  family: t.field({
    type: JobFamily,
    ...ofJob('key', 'familyKey'),
    description: 'This job and all jobs that are related to it by retries.',
    resolve: (job, _args, context) => ({
      familyKey: job.familyKey ?? job.key,
      isForeign: isForeign(job, context),
    }),
  }),
}))
