import { withGroups } from '../../device-group/commands.ts'
import { ConflictError, InvalidInputError, NotFoundError, QueryConditionError } from '../../errors.ts'
import { cancelDeviceJobs } from '../../job/device-job-commands.ts'
import { builder } from '../builder.ts'
import { askerOf } from '../context.ts'
import { resultUnion } from '../errors.ts'
import { mayFail } from '../may-fail.ts'
import { jobPayload } from './payload.ts'

/** Validated by job/cancel-device-jobs.ts. */
const CancelDeviceJobsInput = builder.inputType('CancelDeviceJobsInput', {
  description: 'The device jobs to cancel. Give either `deviceId` or `queryCondition`.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The job ID.' }),
    deviceId: t.string({ description: 'The device job of this device.' }),
    queryCondition: t.string({
      description:
        "The device jobs of all devices that match this condition now, such as `tags.site = 'north'`. `*` selects all devices of the job.",
    }),
    reason: t.string({ description: 'The reason: at most 1024 characters. Stored in the `history` of the job.' }),
  }),
})

const CancelDeviceJobsPayload = jobPayload<{
  readonly jobId: string
  readonly cancelled: number
  readonly underWay: number
}>(
  'CancelDeviceJobsPayload',
  'The selected device jobs that waited are cancelled: no call is sent to these devices, and their twins are not changed.',
  'The job after the cancellation.',
)

builder.objectFields(CancelDeviceJobsPayload, (t) => ({
  cancelledCount: t.exposeInt('cancelled', { description: 'Number of device jobs that were cancelled.' }),
  callsInProgress: t.exposeInt('underWay', {
    description:
      'Number of selected device jobs whose calls had been sent, or were about to be sent, and had no answer yet. They go on.',
  }),
}))

builder.mutationField('cancelDeviceJobs', (t) =>
  t.field({
    type: resultUnion(
      'CancelDeviceJobsResult',
      CancelDeviceJobsPayload,
      [NotFoundError, ConflictError, InvalidInputError, QueryConditionError],
      'The result of `cancelDeviceJobs`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: {
      target: ({ input }) => input.jobId,
      detail: ({ input: { deviceId, queryCondition } }) => ({
        ...(deviceId != null && { deviceId }),
        ...(queryCondition != null && { queryCondition }),
      }),
    },
    ...mayFail(
      'Cancels device jobs that wait for their turn, while the job goes on with the others. The job must have started, and may be paused. It ends when no device job is open any more. A NotFoundError also when the job does not have the device, a ConflictError when the job has not started, is cancelled or has ended, or when the device job of `deviceId` has ended. LIMIT_EXCEEDED when the hub could not find the devices in time.',
    ),
    args: {
      input: t.arg({
        type: CancelDeviceJobsInput,
        required: true,
        description: 'The device jobs to cancel, and the reason.',
      }),
    },
    resolve: async (_root, { input }, context) => {
      const { deps, viewer } = context
      deps.throttles.take('jobOperations')
      const queryCondition = input.queryCondition && (await withGroups(deps, input.queryCondition))
      const request = { ...input, queryCondition }
      return { jobId: input.jobId, ...(await cancelDeviceJobs(deps, viewer, request, askerOf(context))) }
    },
  }),
)
