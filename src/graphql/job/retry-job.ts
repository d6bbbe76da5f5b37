import { randomUUID } from 'node:crypto'
import { withGroups } from '../../device-group/commands.ts'
import {
  AlreadyExistsError,
  ConflictError,
  InvalidInputError,
  NotFoundError,
  QueryConditionError,
} from '../../errors.ts'
import { retryJob } from '../../job/commands.ts'
import { builder } from '../builder.ts'
import { resultUnion } from '../errors.ts'
import { mayFail } from '../may-fail.ts'
import { DeviceJobResult, DeviceJobStatus } from './device-job.ts'
import { jobPayload } from './payload.ts'

/** Validated by job/retry.ts. */
const RetryJobInput = builder.inputType('RetryJobInput', {
  description:
    'The job to retry, and on which of its devices: those whose device jobs match all given fields, that still exist, and that still match the condition of the job when the retry starts.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The ID of the job to retry. The job must have ended.' }),
    newJobId: t.string({
      description:
        'The ID of the new job: up to 64 letters, digits and dashes, unique among all jobs that are kept. Generated when omitted.',
    }),
    status: t.field({
      type: [DeviceJobStatus],
      description:
        'Device jobs with one of these statuses: FAILED, CANCELLED, COMPLETED. When omitted: COMPLETED if `responseStatus` is given, otherwise FAILED.',
    }),
    result: t.field({
      type: [DeviceJobResult],
      description:
        'Device jobs with one of these results, instead of `status`, `errorCode` and `responseStatus`. Give FAILED and REFUSED to repeat the operation wherever it did not succeed.',
    }),
    errorCode: t.stringList({ description: 'Device jobs that failed with one of these codes.' }),
    responseStatus: t.intList({ description: 'Device jobs whose device answered with one of these statuses.' }),
    queryCondition: t.string({
      description:
        'An additional condition on the devices. The condition of the new job is the condition of the old job AND this one.',
    }),
    startTime: t.field({
      type: 'DateTime',
      description:
        'When to start the new job: at most 30 days ahead. It starts now when this is omitted or in the past.',
    }),
    maxExecutionTimeInSeconds: t.int({
      description:
        'Maximum execution time, counted from `startTime`: 1 to 2592000 seconds (30 days). Device jobs that have not ended by then fail. When omitted, the value of the old job.',
    }),
    reason: t.string({ description: 'The reason: at most 1024 characters. Stored in the `history` of the new job.' }),
  }),
})

const RetryJobPayload = jobPayload(
  'RetryJobPayload',
  'The retry is stored as a new job and survives a restart of the hub.',
  'The new job.',
)

builder.mutationField('retryJob', (t) =>
  t.field({
    type: resultUnion(
      'RetryJobResult',
      RetryJobPayload,
      [NotFoundError, ConflictError, InvalidInputError, QueryConditionError, AlreadyExistsError],
      'The result of `retryJob`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: {
      target: ({ input }) => input.newJobId ?? null,
      detail: ({ input }) => ({ sourceJobId: input.jobId }),
      withId: ({ input }) => ({ input: { ...input, newJobId: input.newJobId ?? randomUUID() } }),
    },
    ...mayFail(
      'Schedules a new job that repeats the operation of an ended job, on the devices where it failed or on another part of its devices. A ConflictError when the job has not ended. An InvalidInputError when no device job matches. A device that received the method call may receive it again in a retry.',
    ),
    args: {
      input: t.arg({
        type: RetryJobInput,
        required: true,
        description: 'The job to retry, and on which of its devices.',
      }),
    },
    resolve: async (_root, { input }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      const queryCondition = input.queryCondition && (await withGroups(deps, input.queryCondition))
      return { jobId: await retryJob(deps, viewer, { ...input, queryCondition }) }
    },
  }),
)
