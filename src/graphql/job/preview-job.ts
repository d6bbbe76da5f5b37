import { withGroupsOfJob } from '../../device-group/commands.ts'
import { AlreadyExistsError, InvalidInputError, QueryConditionError } from '../../errors.ts'
import { previewJob } from '../../job/commands.ts'
import type { JobOverlap as Overlap, JobPreview as Preview } from '../../job/preview.ts'
import type { OpenTime } from '../../job/time-window.ts'
import { builder } from '../builder.ts'
import { askerOf } from '../context.ts'
import { Device, findDevice } from '../device/device.ts'
import { resultUnion } from '../errors.ts'
import { mayFail } from '../may-fail.ts'
import { PreviewCount } from './capped-count.ts'
import { PreviewJobInput } from './input.ts'
import { Job, readJob } from './job.ts'

const JobOverlap = builder.objectRef<Overlap>('JobOverlap').implement({
  description: 'An open job that targets some of the same devices.',
  fields: (t) => ({
    job: t.field({
      type: Job,
      ...mayFail('The other job, which is scheduled, queued or running.'),
      resolve: ({ jobId }, _args, context, info) => readJob(context, info, jobId),
    }),
    deviceCount: t.expose('deviceCount', {
      type: PreviewCount,
      description:
        'Number of devices that both jobs target. For a running job, the devices whose device job has not ended. For another job, the devices that match its condition now. Exact up to 10,000. `AT_LEAST` 0: the overlap could not be determined.',
    }),
    propertyPaths: t.exposeStringList('propertyPaths', {
      description:
        'The paths that both patches write or delete, such as `tags.site` or `properties.desired.interval`. A patch of `tags.a` overlaps with a patch of `tags.a.b`. Empty unless both jobs patch twins, and for a job that was not scheduled under your scope.',
    }),
    blocksStart: t.exposeBoolean('blocksStart', {
      description:
        'Whether the other job keeps the previewed one from starting, because of `onOverlap`: with QUEUE, it would wait now for the other job, which has started. With REFUSE, it is refused. False with PARALLEL, and for an overlap of at least 0.',
    }),
  }),
})

/** Maximum number of rows in the lists of a preview. job/commands.ts has the same limit. */
const listLength = { field: 20, multiplier: 20 }

const PreviewOpenTime = builder.objectRef<OpenTime>('PreviewOpenTime').implement({
  description: 'A time at which calls of a job can begin.',
  fields: (t) => ({
    openTime: t.field({ type: 'DateTime', description: 'When the window opens.', resolve: ({ opens }) => opens }),
    closeTime: t.field({
      type: 'DateTime',
      description: 'From when on no call begins: the end of the window, less the response timeout.',
      resolve: ({ closes }) => closes,
    }),
  }),
})

const JobPreview = builder.objectRef<Preview>('JobPreview').implement({
  description:
    'The effect of a job if it started now, as far as the hub can determine it in about two seconds. Previews are not stored.',
  fields: (t) => ({
    deviceCount: t.expose('deviceCount', {
      type: PreviewCount,
      description: 'Number of devices that match the condition.',
    }),
    connectedCount: t.expose('connectedCount', {
      type: PreviewCount,
      description: 'Number of these devices that are connected.',
    }),
    compliantCount: t.expose('compliantCount', {
      type: PreviewCount,
      nullable: true,
      description:
        'Number of these devices whose twin the patch would not change. With `skipCompliant`, they would be skipped. Null without a patch.',
    }),
    devices: t.field({
      type: [Device],
      complexity: listLength,
      ...mayFail('The first of these devices by device ID: at most 20. Empty when they could not be found in time.'),
      resolve: async ({ deviceIds }, _args, context, info) => {
        const devices = await Promise.all(deviceIds.map((deviceId) => findDevice(context, info, deviceId)))
        return devices.filter((device) => device !== undefined)
      },
    }),
    overlaps: t.field({
      type: [JobOverlap],
      complexity: listLength,
      description:
        'Open jobs that target some of the same devices, the newest first: at most 20, of the newest 100 open jobs. A job that has not started is treated as if it started now.',
      resolve: ({ overlaps }) => overlaps,
    }),
    expectedDurationInSeconds: t.exposeFloat('expectedDurationInSeconds', {
      nullable: true,
      description:
        'Estimated duration of the job in seconds, at most `maxExecutionTimeInSeconds`; for a method call, without the devices that are not connected. Computed from the number of devices and the typical rate of the last jobs of the same type that ended by themselves, or the throttle of job device operations or `rollout.maxPerMinute` if that is slower. With `rollout.ramp`, the rate rises as if all devices succeed. With `rollout.window`, the time until its end in a window. Other jobs that run at the same time are not considered. `maxExecutionTimeInSeconds` for a continuous job, which runs until its deadline. Null when no rate is known, when the number of devices is not exact, or with `rollout.window.timeZoneFrom`.',
    }),
    shortestDurationInSeconds: t.exposeFloat('shortestDurationInSeconds', {
      nullable: true,
      description:
        'The shortest time in seconds in which all matching devices, connected or not, can have their turn at `rollout.maxPerMinute`, with `rollout.ramp` if all of them succeed at once. It may be longer than `maxExecutionTimeInSeconds`: the job then ends before all devices had their turn. With `rollout.window`, the time between its openings is not included; with `skipCompliant`, only the devices that would be changed count. A lower bound when the number of devices is `AT_LEAST`. Null without `rollout.maxPerMinute`.',
    }),
    waveSizes: t.intList({
      nullable: true,
      description:
        'How many devices each wave of `rollout.waves` would have, in order. 0 for a wave that would be skipped. Empty without waves. Null when the devices could not all be counted in time.',
      resolve: ({ waveSizes }) => waveSizes && [...waveSizes],
    }),
    openTimes: t.field({
      type: [PreviewOpenTime],
      description:
        'The next three times at which calls can begin: the windows of `rollout.window`. Empty without one, and with `timeZoneFrom`.',
      resolve: ({ openTimes }) => [...openTimes],
    }),
    maxOfflineWaitInSeconds: t.exposeInt('maxOfflineWaitInSeconds', {
      nullable: true,
      description:
        'The longest time in seconds that the job waits for devices that are not connected: `connectTimeoutInSeconds`, or `maxExecutionTimeInSeconds` without one. Null when there is nothing to wait for: all devices are connected, or the job patches twins, which needs no connection.',
    }),
    fingerprint: t.exposeString('fingerprint', {
      nullable: true,
      description:
        'Identifies the set of devices that match the condition, for `expect`. Stays the same as long as the set does. Null when the devices could not all be counted in time.',
    }),
  }),
})

builder.queryField('previewJob', (t) =>
  t.field({
    type: resultUnion(
      'PreviewJobResult',
      JobPreview,
      [InvalidInputError, QueryConditionError, AlreadyExistsError],
      'The result of `previewJob`: the preview, or the error that scheduling would return.',
    ),
    // A viewer with the right to schedule the job could get the same information from the job.
    authScopes: { right: 'writeJobs' },
    ...mayFail(
      'The effect that a job would have. The job is checked as for scheduling, and nothing is changed. A LimitExceededError when the devices could not be counted in time. The job can still be scheduled. Requires the rights for scheduling.',
    ),
    args: { input: t.arg({ type: PreviewJobInput, required: true, description: 'The job to preview.' }) },
    resolve: async (_root, { input }, context) => {
      const { deps, viewer } = context
      deps.throttles.take('queries')
      return previewJob(deps, viewer.scope, askerOf(context), await withGroupsOfJob(deps, input))
    },
  }),
)
