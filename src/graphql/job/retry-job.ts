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
import { DeviceJobStatus } from './device-job.ts'
import { jobPayload } from './payload.ts'

/** Checked by job/retry.ts. */
const RetryJobInput = builder.inputType('RetryJobInput', {
  description:
    'A job to be done again, on a part of its devices: those whose device jobs meet all that is given, that still exist, and that still meet the condition of the job when the retry starts.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The job. It must have ended.' }),
    newJobId: t.string({
      description:
        'The name of the new job: up to 64 letters, digits and dashes, unique among all jobs that are kept. Made by the hub when left out.',
    }),
    status: t.field({
      type: [DeviceJobStatus],
      description:
        'Device jobs in one of these statuses: FAILED, CANCELLED, COMPLETED. When left out, FAILED; with `responseStatus`, COMPLETED.',
    }),
    errorCode: t.stringList({ description: 'Device jobs that failed with one of these codes.' }),
    responseStatus: t.intList({ description: 'Device jobs whose devices answered with one of these statuses.' }),
    queryCondition: t.string({
      description: 'A further condition on the devices. The new job has that of the job and this one, joined by AND.',
    }),
    startTime: t.field({
      type: 'DateTime',
      description: 'When to start: at most 30 days ahead; now when left out or past.',
    }),
    maxExecutionTimeInSeconds: t.int({
      description:
        'How long after `startTime` whatever has not ended fails: 1 to 2592000 seconds (30 days). That of the job when left out.',
    }),
    reason: t.string({ description: 'Why: at most 1024 characters. Kept in the history of the new job.' }),
  }),
})

const RetryJobPayload = jobPayload(
  'RetryJobPayload',
  'The retry is scheduled, durably, as a job of its own.',
  'The new job.',
)

builder.mutationField('retryJob', (t) =>
  t.field({
    type: resultUnion(
      'RetryJobResult',
      RetryJobPayload,
      [NotFoundError, ConflictError, InvalidInputError, QueryConditionError, AlreadyExistsError],
      'What became of a job to be retried.',
    ),
    authScopes: { operation: 'writeJobs' },
    description:
      'Schedules a new job that does again what another did, on the devices on which that failed, or on another part. A ConflictError while the other has not ended; an InvalidInputError when none of its device jobs is meant. A device that got the method call may get it again by a retry.',
    args: { input: t.arg({ type: RetryJobInput, required: true, description: 'The job, and which part of it.' }) },
    resolve: async (_root, { input }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      return { jobId: await retryJob(deps, viewer, input) }
    },
  }),
)
