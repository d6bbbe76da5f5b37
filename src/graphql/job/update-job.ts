import { ConflictError, InvalidInputError, NotFoundError } from '../../errors.ts'
import { updateJob } from '../../job/commands.ts'
import { builder } from '../builder.ts'
import { resultUnion } from '../errors.ts'
import { mayFail } from '../may-fail.ts'
import { namingFields } from './input.ts'
import { limitsDetail } from './job-detail.ts'
import { jobPayload } from './payload.ts'
import { JobLimitsInput } from './rollout-input.ts'

/** Validated by job/update.ts. */
const UpdateJobInput = builder.inputType('UpdateJobInput', {
  description: 'The job to change. What is omitted stays as it is. Null removes a name, a description or all labels.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The job ID.' }),
    ...namingFields(t),
    rollout: t.field({ type: JobLimitsInput, description: 'The limits to change. Null removes all of them.' }),
    maxExecutionTimeInSeconds: t.int({
      description:
        'Maximum execution time, counted from `startTime`: 1 to 2592000 seconds (30 days). It may be longer or shorter than before, but the deadline must not have passed.',
    }),
    extendBySeconds: t.int({
      description: 'Seconds to add to the maximum execution time, instead of `maxExecutionTimeInSeconds`.',
    }),
    reason: t.string({ description: 'The reason: at most 1024 characters. Stored in the `history` of the job.' }),
  }),
})

const UpdateJobPayload = jobPayload('UpdateJobPayload', 'The job is changed.', 'The job after the change.')

builder.mutationField('updateJob', (t) =>
  t.field({
    type: resultUnion(
      'UpdateJobResult',
      UpdateJobPayload,
      [NotFoundError, ConflictError, InvalidInputError],
      'The result of `updateJob`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: {
      target: ({ input }) => input.jobId,
      detail: ({ input: { name, maxExecutionTimeInSeconds, extendBySeconds, rollout } }) => ({
        ...(name !== undefined && { name }),
        ...(maxExecutionTimeInSeconds != null && { maxExecutionTimeInSeconds }),
        ...(extendBySeconds != null && { extendBySeconds }),
        ...(rollout != null && { rollout: limitsDetail(rollout) }),
      }),
    },
    ...mayFail(
      'Changes the name, the description, the labels, the maximum execution time or the limits of a job that has not ended. A ConflictError when the job is cancelled or has ended.',
    ),
    args: { input: t.arg({ type: UpdateJobInput, required: true, description: 'The job, and what to change.' }) },
    resolve: async (_root, { input }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      await updateJob(deps, viewer, input)
      return { jobId: input.jobId }
    },
  }),
)
