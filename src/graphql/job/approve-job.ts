import { ConflictError, InvalidInputError, NotFoundError } from '../../errors.ts'
import { approveJob, rejectJob } from '../../job/approval-commands.ts'
import { builder } from '../builder.ts'
import { resultUnion } from '../errors.ts'
import { mayFail } from '../may-fail.ts'
import { jobPayload } from './payload.ts'

const reason = 'The reason: at most 1024 characters. Stored in the `history` of the job.'

const ApproveJobInput = builder.inputType('ApproveJobInput', {
  description: 'The job to approve.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The job ID.' }),
    reason: t.string({ description: reason }),
  }),
})

const RejectJobInput = builder.inputType('RejectJobInput', {
  description: 'The job to reject.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The job ID.' }),
    reason: t.string({
      description:
        'The reason: at most 1024 characters. Stored as the `statusMessage` of the job and in its `history`.',
    }),
  }),
})

const ApproveJobPayload = jobPayload(
  'ApproveJobPayload',
  'The job is approved. It starts at its start time, or as soon as a slot is free.',
  'The job after the approval.',
)

builder.mutationField('approveJob', (t) =>
  t.field({
    type: resultUnion(
      'ApproveJobResult',
      ApproveJobPayload,
      [NotFoundError, ConflictError, InvalidInputError],
      'The result of `approveJob`.',
    ),
    authScopes: { right: 'approveJobs' },
    audit: { target: ({ input }) => input.jobId },
    ...mayFail(
      'Approves a job that waits for it. An InvalidInputError for whoever scheduled the job: somebody else has to approve it. A ConflictError when the job does not wait for an approval.',
    ),
    args: {
      input: t.arg({ type: ApproveJobInput, required: true, description: 'The job to approve, and the reason.' }),
    },
    resolve: async (_root, { input: { jobId, reason } }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      await approveJob(deps, viewer, { jobId, reason })
      return { jobId }
    },
  }),
)

const RejectJobPayload = jobPayload(
  'RejectJobPayload',
  'The job is rejected. It has ended and will not start.',
  'The job after the rejection.',
)

builder.mutationField('rejectJob', (t) =>
  t.field({
    type: resultUnion(
      'RejectJobResult',
      RejectJobPayload,
      [NotFoundError, ConflictError, InvalidInputError],
      'The result of `rejectJob`.',
    ),
    authScopes: { right: 'approveJobs' },
    audit: { target: ({ input }) => input.jobId },
    ...mayFail(
      'Rejects a job that waits for an approval: it ends as CANCELLED, and no device is touched. A ConflictError when the job does not wait for an approval.',
    ),
    args: { input: t.arg({ type: RejectJobInput, required: true, description: 'The job to reject, and the reason.' }) },
    resolve: async (_root, { input: { jobId, reason } }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      await rejectJob(deps, viewer, { jobId, reason })
      return { jobId }
    },
  }),
)
