import { ConflictError, InvalidInputError, NotFoundError } from '../../errors.ts'
import { approveJob, rejectJob } from '../../job/approval-commands.ts'
import { builder } from '../builder.ts'
import { resultUnion } from '../errors.ts'
import { mayFail } from '../may-fail.ts'
import { jobPayload } from './payload.ts'

const reason = 'The reason: at most 1024 characters. Stored in the `history` of the job.'
const wave =
  'The number of the wave whose opening is decided: a ConflictError when another one waits. 1 is the start of the job, also of one without waves. When omitted, whatever waits is decided: the start of the job, or the opening of its next wave.'

const ApproveJobInput = builder.inputType('ApproveJobInput', {
  description: 'The job to approve.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The job ID.' }),
    wave: t.int({ description: wave }),
    reason: t.string({ description: reason }),
  }),
})

const RejectJobInput = builder.inputType('RejectJobInput', {
  description: 'The job to reject.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The job ID.' }),
    wave: t.int({ description: wave }),
    reason: t.string({
      description:
        'The reason: at most 1024 characters. Stored as the `statusMessage` of the job and in its `history`.',
    }),
  }),
})

const decisionAudit = {
  target: ({ input }: Decided) => input.jobId,
  detail: ({ input: { wave } }: Decided) => (wave == null ? {} : { wave }),
}

type Decided = { readonly input: { readonly jobId: string; readonly wave?: number | null | undefined } }

const ApproveJobPayload = jobPayload(
  'ApproveJobPayload',
  'The job is approved: it starts at its start time, or as soon as a slot is free. Or the opening of its next wave is.',
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
    audit: decisionAudit,
    ...mayFail(
      'Approves a job that waits for it, or the opening of its next wave. An InvalidInputError for whoever scheduled the job, or had changed its template last when it was scheduled: somebody else has to approve it. A ConflictError when the job does not wait for this approval.',
    ),
    args: {
      input: t.arg({ type: ApproveJobInput, required: true, description: 'The job to approve, and the reason.' }),
    },
    resolve: async (_root, { input: { jobId, wave, reason } }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      await approveJob(deps, viewer, { jobId, wave, reason })
      return { jobId }
    },
  }),
)

const RejectJobPayload = jobPayload(
  'RejectJobPayload',
  'The job is rejected: it has ended and will not start. Or the opening of its next wave is, and the job is paused or cancelled.',
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
    audit: decisionAudit,
    ...mayFail(
      'Rejects a job that waits for an approval: it ends as CANCELLED, and no device is touched. When the opening of its next wave is rejected, the gate fails (`onFailure`). A ConflictError when the job does not wait for this approval.',
    ),
    args: { input: t.arg({ type: RejectJobInput, required: true, description: 'The job to reject, and the reason.' }) },
    resolve: async (_root, { input: { jobId, wave, reason } }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      await rejectJob(deps, viewer, { jobId, wave, reason })
      return { jobId }
    },
  }),
)
