import { GraphQLError } from 'graphql'
import { findFailureSamples, type GroupOfJob, sampledGroupKey } from '../../job/store/failures.ts'
import { boundedReads } from '../bounded-reads.ts'
import { builder } from '../builder.ts'
import { maxPageSize } from '../limits.ts'
import { DeviceJob } from './device-job.ts'
import { findFailureTally } from './failure-tallies.ts'
import { Job } from './job.ts'

// A sample may be somewhat old, for its device jobs are of the group for ever; when the job has ended it is another.
const samplesOfGroup = boundedReads('samples of failures', findFailureSamples, ({ group }) => group, sampledGroupKey)

/** A group with how many of all devices of the job it has, 0 to 1. */
type Group = GroupOfJob & { readonly share: number }

const defaultGroups = 20
const defaultSample = 5
const maxSample = 20
/** What the groups cost beside themselves: all failures of a job are looked at, unless somebody did before. */
const ownComplexity = 10

/** How many rows of a short list, from the beginning. */
function sizeOf(first: number | null | undefined, preset: number, maximum: number): number {
  const size = first ?? preset
  if (size >= 1 && size <= maximum) return size
  throw new GraphQLError(`"first" is ${size} and may be 1 to ${maximum} here.`, {
    extensions: { code: 'INVALID_PAGE_SIZE' },
  })
}

/** The same before it is checked. */
const countOf = (first: number | null | undefined, preset: number, maximum: number): number =>
  Math.min(Math.max(first ?? preset, 1), maximum)

const listComplexity = (count: number, own = 0) => ({ field: own + count, multiplier: count })

const FailureGroup = builder.objectRef<Group>('FailureGroup').implement({
  description: 'Device jobs of a job that went wrong in the same way.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description:
        'For programs: `DeviceJobError.code`, or DeviceResponse for devices that answered with a status of 400 or more. Those device jobs are COMPLETED, for the method ran.',
    }),
    message: t.exposeString('message', {
      description: 'For people. What differs from device to device, such as a size, is left out: "…".',
    }),
    responseStatus: t.exposeInt('responseStatus', {
      nullable: true,
      description: 'What the devices answered; null unless `code` is DeviceResponse.',
    }),
    count: t.exposeInt('count', { description: 'How many device jobs.' }),
    share: t.exposeFloat('share', { description: 'How many of all devices of the job, 0 to 1.' }),
    sample: t.field({
      type: [DeviceJob],
      complexity: ({ first }) => listComplexity(countOf(first, defaultSample, maxSample)),
      description:
        'Some of them: the first by the names of the devices. While a large job runs, those that were the first a moment ago.',
      args: { first: t.arg.int({ defaultValue: defaultSample, description: `How many: 1 to ${maxSample}.` }) },
      resolve: async (group, { first }, { deps }) => {
        const limit = sizeOf(first, defaultSample, maxSample)
        return [...(await samplesOfGroup(deps, { ...group, size: Math.min(group.count, limit) }, { limit }))]
      },
    }),
  }),
})

builder.prismaObjectField(Job, 'failureGroups', (t) =>
  t.field({
    type: [FailureGroup],
    select: { id: true, key: true, version: true, endTime: true, deviceCount: true },
    complexity: ({ first }) => listComplexity(countOf(first, defaultGroups, maxPageSize), ownComplexity),
    description:
      'Why device jobs failed, the largest group first; also devices that answered with a status of 400 or more. Those that failed because the time of the job was up come when it has ended. An error LIMIT_EXCEEDED when the hub has no time to read them.',
    args: { first: t.arg.int({ defaultValue: defaultGroups, description: `How many groups: 1 to ${maxPageSize}.` }) },
    resolve: async (job, { first }, { deps }) => {
      const size = sizeOf(first, defaultGroups, maxPageSize)
      const { groups } = await findFailureTally(deps, job)
      const ofJob = { jobId: job.id, hasEnded: job.endTime !== null }
      return groups
        .slice(0, size)
        .map((group) => ({ ...group, ...ofJob, share: group.count / Math.max(job.deviceCount, 1) }))
    },
  }),
)
