import { GraphQLError } from 'graphql'
import {
  failureGroupKey,
  findFailureGroups,
  findFailureSamples,
  type FailureGroup as Group,
} from '../job/failure-store.ts'
import { builder } from './builder.ts'
import { DeviceJob } from './device-job.ts'
import { Job } from './job.ts'
import { maxPageSize } from './limits.ts'
import { perParent } from './loaders.ts'

const groupsOfJob = perParent(findFailureGroups, ({ jobId }) => jobId)
const samplesOfGroup = perParent(findFailureSamples, ({ group }) => group, failureGroupKey)

const defaultGroups = 20
const defaultSample = 5
const maxSample = 20
/** What the groups cost beside themselves: all failures of a job are looked at. */
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
      description: 'Some of them: the first by the names of the devices.',
      args: { first: t.arg.int({ defaultValue: defaultSample, description: `How many: 1 to ${maxSample}.` }) },
      resolve: async (group, { first }, context) => [
        ...(await samplesOfGroup(context, group, { limit: sizeOf(first, defaultSample, maxSample) })),
      ],
    }),
  }),
})

builder.prismaObjectField(Job, 'failureGroups', (t) =>
  t.field({
    type: [FailureGroup],
    select: { id: true },
    complexity: ({ first }) => listComplexity(countOf(first, defaultGroups, maxPageSize), ownComplexity),
    description:
      'Why device jobs failed, the largest group first; also devices that answered with a status of 400 or more. Those that failed because the time of the job was up come when it has ended.',
    args: { first: t.arg.int({ defaultValue: defaultGroups, description: `How many groups: 1 to ${maxPageSize}.` }) },
    resolve: async ({ id }, { first }, context) => [
      ...(await groupsOfJob(context, id, { limit: sizeOf(first, defaultGroups, maxPageSize) })),
    ],
  }),
)
