import { builder } from '../builder.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { mayFail } from '../may-fail.ts'
import { Job, readJob } from './job.ts'

/** The payload of a mutation of one job. The job is read with the fields that the client selects. */
export const jobPayload = <Change extends { readonly jobId: string } = { readonly jobId: string }>(
  name: string,
  description: string,
  jobDescription: string,
) =>
  builder.objectRef<Change>(name).implement({
    description,
    fields: (t) => ({
      jobId: t.string({
        description: 'The job ID. Also for callers that may not read jobs.',
        resolve: ({ jobId }) => jobId,
      }),
      job: t.field({
        type: Job,
        ...mayFail(jobDescription),
        // The change is committed: an outage during this read must not look like a failure of the mutation.
        resolve: ({ jobId }, _args, context, info) => readThroughOutage(context, () => readJob(context, info, jobId)),
      }),
    }),
  })
