import { findFailureSamples, type GroupOfJob, sampledGroupKey } from '../../job/store/failures.ts'
import { boundedReads } from '../bounded-reads.ts'
import { builder } from '../builder.ts'
import { maxPageSize } from '../limits.ts'
import { mayFail } from '../may-fail.ts'
import { DeviceJob } from './device-job.ts'
import { findFailureTally, findVisibleFailures } from './failure-count-cache.ts'
import { isForeign } from './foreign-job.ts'
import { Job, ofJob } from './job.ts'
import { countOf, listComplexity, sizeOf } from './short-list.ts'
import { countedWhenForeign, countVisible } from './visible-statistics.ts'

// A sample may be somewhat old: its device jobs stay in the group. After the end of the job, its key is another one.
const samplesOfGroup = boundedReads('samples of failures', findFailureSamples, ({ group }) => group, sampledGroupKey)

/** A group, with its share of all devices of the job, 0 to 1. */
type Group = GroupOfJob & { readonly share: number }

const defaultGroups = 20
const defaultSample = 5
const maxSample = 20
/**
 * The complexity of the groups in addition to their number: all failures of a job are read, unless an earlier request
 * has read them.
 */
const ownComplexity = 10

const FailureGroup = builder.objectRef<Group>('FailureGroup').implement({
  description: 'Device jobs of a job with the same kind of failure.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description:
        'The error code, for programs: a `DeviceJobError.code`, or DeviceResponse for devices that answered with a status of 400 or more. Device jobs of DeviceResponse are COMPLETED, because the method ran.',
    }),
    message: t.exposeString('message', {
      description: 'The message, for people. Parts that differ between devices, such as a size, are replaced by "…".',
    }),
    responseStatus: t.exposeInt('responseStatus', {
      nullable: true,
      description: 'The status that the devices returned. Null unless `code` is DeviceResponse.',
    }),
    count: t.exposeInt('count', { description: 'Number of device jobs in the group.' }),
    share: t.exposeFloat('share', { description: 'Share of all devices of the job, 0 to 1.' }),
    sample: t.field({
      type: [DeviceJob],
      complexity: ({ first }) => listComplexity(countOf(first, defaultSample, maxSample)),
      ...mayFail(
        'Examples from the group: its first device jobs, ordered by device ID. While a large job runs, the examples may be slightly out of date.',
      ),
      args: {
        first: t.arg.int({
          defaultValue: defaultSample,
          description: `Maximum number of device jobs: 1 to ${maxSample}.`,
        }),
      },
      resolve: async (group, { first }, { deps, viewer }) => {
        const limit = sizeOf(first, defaultSample, maxSample)
        return [
          ...(await samplesOfGroup(deps, viewer.scope, { ...group, size: Math.min(group.count, limit) }, { limit })),
        ]
      },
    }),
  }),
})

builder.objectField(Job, 'failureGroups', (t) =>
  t.field({
    type: [FailureGroup],
    nullable: true,
    ...ofJob('id', 'key', 'version', 'endTime', 'deviceCount'),
    complexity: ({ first }) => listComplexity(countOf(first, defaultGroups, maxPageSize), ownComplexity),
    description: `The failures of the job, grouped by cause, the largest group first. Includes devices that answered with a status of 400 or more. Device jobs that failed because the job reached its deadline are included when the job has ended. A field error LIMIT_EXCEEDED and null when the hub could not read the failures in time. ${countedWhenForeign}`,
    args: {
      first: t.arg.int({ defaultValue: defaultGroups, description: `Maximum number of groups: 1 to ${maxPageSize}.` }),
    },
    resolve: async (job, { first }, context) => {
      const { deps, viewer } = context
      const size = sizeOf(first, defaultGroups, maxPageSize)
      const isPart = isForeign(job, context)
      const { deviceCount } = isPart ? await countVisible(job, context) : job
      if (deviceCount === 0) return []
      const groups = isPart
        ? await findVisibleFailures(deps, viewer.scope, job)
        : (await findFailureTally(deps, viewer.scope, job)).groups
      const ofJob = { jobId: job.id, hasEnded: job.endTime !== null }
      return groups
        .slice(0, size)
        .map((group) => ({ ...group, ...ofJob, share: Math.min(group.count / Math.max(deviceCount, 1), 1) }))
    },
  }),
)
