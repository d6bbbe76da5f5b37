import { builder } from './builder.ts'
import { Job } from './job.ts'

/** The payload of a mutation of one job, which is read with what the client selects of it. */
export const jobPayload = (name: string, description: string, jobDescription: string) =>
  builder.objectRef<{ readonly jobId: string }>(name).implement({
    description,
    fields: (t) => ({
      job: t.prismaField({
        type: Job,
        description: jobDescription,
        resolve: (query, { jobId }, _args, { deps }) =>
          deps.db.prisma.job.findUniqueOrThrow({ ...query, where: { id: jobId } }),
      }),
    }),
  })
