import { builder } from '../builder.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { Job } from './job.ts'

/** The payload of a mutation of one job, which is read with what the client selects of it. */
export const jobPayload = (name: string, description: string, jobDescription: string) =>
  builder.objectRef<{ readonly jobId: string }>(name).implement({
    description,
    fields: (t) => ({
      job: t.prismaField({
        type: Job,
        description: jobDescription,
        // It has happened: that it cannot be read at the moment must not look like a failure of it.
        resolve: (query, { jobId }, _args, context) =>
          readThroughOutage(context, () =>
            context.deps.db.prisma.job.findUniqueOrThrow({ ...query, where: { id: jobId } }),
          ),
      }),
    }),
  })
