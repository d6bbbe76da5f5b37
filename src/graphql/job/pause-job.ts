import { ConflictError, InvalidInputError, NotFoundError } from '../../errors.ts'
import { pauseJob, resumeJob } from '../../job/commands.ts'
import { builder } from '../builder.ts'
import { resultUnion } from '../errors.ts'
import { mayFail } from '../may-fail.ts'
import { jobPayload } from './payload.ts'

const reason = 'The reason: at most 1024 characters. Stored in the `history` of the job.'

const PauseJobInput = builder.inputType('PauseJobInput', {
  description: 'The job to pause.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The job ID.' }),
    reason: t.string({ description: reason }),
  }),
})

const ResumeJobInput = builder.inputType('ResumeJobInput', {
  description: 'The job to resume.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The job ID.' }),
    reason: t.string({ description: reason }),
  }),
})

const PauseJobPayload = jobPayload<{ readonly jobId: string; readonly callsInProgress: number }>(
  'PauseJobPayload',
  'The job is paused. No further call of it is sent, through whichever instance.',
  'The job after the pause.',
)

builder.objectField(PauseJobPayload, 'callsInProgress', (t) =>
  t.exposeInt('callsInProgress', {
    description:
      'Number of calls that had been sent, or were about to be sent, and had no answer yet. They are not called back.',
  }),
)

builder.mutationField('pauseJob', (t) =>
  t.field({
    type: resultUnion(
      'PauseJobResult',
      PauseJobPayload,
      [NotFoundError, ConflictError, InvalidInputError],
      'The result of `pauseJob`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: { target: ({ input }) => input.jobId },
    ...mayFail(
      'Pauses a job that has not ended: it sends no calls, changes no twins and does not start, until `resumeJob`. Its deadline stays, so it may end while it is paused. A running job keeps its slot. A ConflictError when the job is already paused or cancelled, or has ended.',
    ),
    args: { input: t.arg({ type: PauseJobInput, required: true, description: 'The job to pause, and the reason.' }) },
    resolve: async (_root, { input: { jobId, reason } }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      return { jobId, callsInProgress: await pauseJob(deps, viewer, jobId, reason) }
    },
  }),
)

const ResumeJobPayload = jobPayload(
  'ResumeJobPayload',
  'The job is resumed where it was paused. No device is called again.',
  'The job after the resumption.',
)

builder.mutationField('resumeJob', (t) =>
  t.field({
    type: resultUnion(
      'ResumeJobResult',
      ResumeJobPayload,
      [NotFoundError, ConflictError, InvalidInputError],
      'The result of `resumeJob`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: { target: ({ input }) => input.jobId },
    ...mayFail(
      'Resumes a paused job: it goes on with the devices that had no turn yet, or waits for its start if it had not started. Connection timeouts begin anew. A ConflictError when the job is not paused.',
    ),
    args: { input: t.arg({ type: ResumeJobInput, required: true, description: 'The job to resume, and the reason.' }) },
    resolve: async (_root, { input: { jobId, reason } }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      await resumeJob(deps, viewer, jobId, reason)
      return { jobId }
    },
  }),
)
