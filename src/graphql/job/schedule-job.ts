import { randomUUID } from 'node:crypto'
import { withGroupsOfJob } from '../../device-group/commands.ts'
import {
  AlreadyExistsError,
  ConflictError,
  ExpectationFailedError,
  InvalidInputError,
  NotFoundError,
  QueryConditionError,
} from '../../errors.ts'
import { cancelJob, scheduleJob } from '../../job/commands.ts'
import { builder } from '../builder.ts'
import { askerOf } from '../context.ts'
import { resultUnion } from '../errors.ts'
import { mayFail } from '../may-fail.ts'
import { CancelJobInput, ScheduleDeviceMethodInput, ScheduleTwinUpdateInput } from './input.ts'
import { jobDetail } from './job-detail.ts'
import { jobPayload } from './payload.ts'

export const ScheduleJobPayload = jobPayload(
  'ScheduleJobPayload',
  'The job is stored. It will run even if the hub restarts now.',
  'The new job.',
)

const ScheduleJobResult = resultUnion(
  'ScheduleJobResult',
  ScheduleJobPayload,
  [InvalidInputError, QueryConditionError, AlreadyExistsError, ExpectationFailedError, ConflictError],
  'The result of `scheduleDeviceMethod` or `scheduleTwinUpdate`.',
)

/** The input with the id of the new job, which is generated when the client gives none. */
const withJobId = <Input extends { readonly jobId?: string | null | undefined }>(input: Input): Input => ({
  ...input,
  jobId: input.jobId ?? randomUUID(),
})

builder.mutationField('scheduleDeviceMethod', (t) =>
  t.field({
    type: ScheduleJobResult,
    authScopes: { right: 'writeJobs' },
    audit: {
      target: ({ input }) => input.jobId ?? null,
      detail: ({ input }) => jobDetail(input),
      withId: ({ input }) => ({ input: withJobId(input) }),
    },
    ...mayFail(
      'Schedules a job that calls a direct method on every device that matches a condition, at most once for each device. A ConflictError because of `onOverlap`.',
    ),
    args: { input: t.arg({ type: ScheduleDeviceMethodInput, required: true, description: 'The job to schedule.' }) },
    resolve: async (_root, { input }, context) => {
      const { deps, viewer } = context
      deps.throttles.take('jobOperations')
      const request = { type: 'scheduleDeviceMethod' as const, ...(await withGroupsOfJob(deps, input)) }
      return { jobId: await scheduleJob(deps, viewer, request, askerOf(context)) }
    },
  }),
)

builder.mutationField('scheduleTwinUpdate', (t) =>
  t.field({
    type: ScheduleJobResult,
    authScopes: { right: 'writeJobs' },
    audit: {
      target: ({ input }) => input.jobId ?? null,
      detail: ({ input }) => jobDetail(input),
      withId: ({ input }) => ({ input: withJobId(input) }),
    },
    ...mayFail(
      'Schedules a job that merges a patch into the twin of every device that matches a condition, exactly once for each device. A ConflictError because of `onOverlap`.',
    ),
    args: { input: t.arg({ type: ScheduleTwinUpdateInput, required: true, description: 'The job to schedule.' }) },
    resolve: async (_root, { input }, context) => {
      const { deps, viewer } = context
      deps.throttles.take('jobOperations')
      const request = { type: 'scheduleUpdateTwin' as const, ...(await withGroupsOfJob(deps, input)) }
      return { jobId: await scheduleJob(deps, viewer, request, askerOf(context)) }
    },
  }),
)

const CancelJobPayload = jobPayload(
  'CancelJobPayload',
  'The job is cancelled and sends no further calls. It ends when its calls in progress have ended.',
  'The job after the cancellation.',
)

builder.mutationField('cancelJob', (t) =>
  t.field({
    type: resultUnion(
      'CancelJobResult',
      CancelJobPayload,
      [NotFoundError, ConflictError, InvalidInputError],
      'The result of `cancelJob`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: { target: ({ input }) => input.jobId },
    ...mayFail('Cancels a job that has not ended. A ConflictError when the job is already cancelled or has ended.'),
    args: { input: t.arg({ type: CancelJobInput, required: true, description: 'The job to cancel, and the reason.' }) },
    resolve: async (_root, { input: { jobId, reason } }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      await cancelJob(deps, viewer, jobId, reason)
      return { jobId }
    },
  }),
)
