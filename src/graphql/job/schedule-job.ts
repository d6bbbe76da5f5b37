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
import { CancelJobInput, ScheduleDeviceMethodInput, ScheduleTwinUpdateInput } from './input.ts'
import { jobPayload } from './payload.ts'

const ScheduleJobPayload = jobPayload(
  'ScheduleJobPayload',
  'The job is scheduled, durably: it will be carried out also if the hub is restarted now.',
  'The new job.',
)

const ScheduleJobResult = resultUnion(
  'ScheduleJobResult',
  ScheduleJobPayload,
  [InvalidInputError, QueryConditionError, AlreadyExistsError, ExpectationFailedError],
  'What became of a job to be scheduled.',
)

builder.mutationField('scheduleDeviceMethod', (t) =>
  t.field({
    type: ScheduleJobResult,
    authScopes: { operation: 'writeJobs' },
    description:
      'Schedules a job that calls a direct method on every device that meets a condition, at most once each.',
    args: { input: t.arg({ type: ScheduleDeviceMethodInput, required: true, description: 'The job.' }) },
    resolve: async (_root, { input }, context) => {
      const { deps, viewer } = context
      deps.throttles.take('jobOperations')
      const request = { type: 'scheduleDeviceMethod' as const, ...input }
      return { jobId: await scheduleJob(deps, viewer, request, askerOf(context)) }
    },
  }),
)

builder.mutationField('scheduleTwinUpdate', (t) =>
  t.field({
    type: ScheduleJobResult,
    authScopes: { operation: 'writeJobs' },
    description:
      'Schedules a job that merges a patch into the twin of every device that meets a condition, exactly once each.',
    args: { input: t.arg({ type: ScheduleTwinUpdateInput, required: true, description: 'The job.' }) },
    resolve: async (_root, { input }, context) => {
      const { deps, viewer } = context
      deps.throttles.take('jobOperations')
      const request = { type: 'scheduleUpdateTwin' as const, ...input }
      return { jobId: await scheduleJob(deps, viewer, request, askerOf(context)) }
    },
  }),
)

const CancelJobPayload = jobPayload(
  'CancelJobPayload',
  'The job is cancelled: nothing new is sent from now on. It ends when its calls under way have.',
  'The job as it is now.',
)

builder.mutationField('cancelJob', (t) =>
  t.field({
    type: resultUnion(
      'CancelJobResult',
      CancelJobPayload,
      [NotFoundError, ConflictError, InvalidInputError],
      'What became of a job to be cancelled.',
    ),
    authScopes: { operation: 'writeJobs' },
    description: 'Cancels a job that has not ended. A ConflictError when it is cancelled already or has ended.',
    args: { input: t.arg({ type: CancelJobInput, required: true, description: 'The job, and why.' }) },
    resolve: async (_root, { input: { jobId, reason } }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      await cancelJob(deps, viewer, jobId, reason)
      return { jobId }
    },
  }),
)
