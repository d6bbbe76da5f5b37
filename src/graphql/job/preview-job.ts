import { AlreadyExistsError, InvalidInputError, QueryConditionError } from '../../errors.ts'
import { previewJob } from '../../job/commands.ts'
import type { JobOverlap as Overlap, JobPreview as Preview } from '../../job/preview.ts'
import { builder } from '../builder.ts'
import { askerOf } from '../context.ts'
import { Device } from '../device/device.ts'
import { resultUnion } from '../errors.ts'
import { PreviewCount } from './capped-count.ts'
import { PreviewJobInput } from './input.ts'
import { Job } from './job.ts'

const JobOverlap = builder.objectRef<Overlap>('JobOverlap').implement({
  description: 'An open job that touches some of the same devices.',
  fields: (t) => ({
    job: t.prismaField({
      type: Job,
      description: 'The other job: scheduled, queued or running.',
      resolve: (query, { jobId }, _args, { deps }) =>
        deps.db.prisma.job.findUniqueOrThrow({ ...query, where: { id: jobId } }),
    }),
    deviceCount: t.expose('deviceCount', {
      type: PreviewCount,
      description:
        'How many devices both touch: of a running job those on which it has not ended, of another those that meet its condition now. Counted up to 10,000; at least 0 is a job of which it is not known whether there are any.',
    }),
    propertyPaths: t.exposeStringList('propertyPaths', {
      description:
        'Where both patches write or delete, such as `tags.site` or `properties.desired.interval`; a patch of `tags.a` meets one of `tags.a.b`. Empty unless both patch twins.',
    }),
  }),
})

/** Rows of the lists of a preview at most; job/commands.ts has the same bound. */
const listLength = { field: 20, multiplier: 20 }

const JobPreview = builder.objectRef<Preview>('JobPreview').implement({
  description:
    'What a job would meet if it started now, as far as that can be found out in about two seconds. Nothing of it is kept.',
  fields: (t) => ({
    deviceCount: t.expose('deviceCount', { type: PreviewCount, description: 'How many devices meet the condition.' }),
    connectedCount: t.expose('connectedCount', { type: PreviewCount, description: 'How many of them are connected.' }),
    compliantCount: t.expose('compliantCount', {
      type: PreviewCount,
      nullable: true,
      description: 'How many of their twins the patch would leave as they are. Null without a patch.',
    }),
    devices: t.prismaField({
      type: [Device],
      complexity: listLength,
      description: 'The first of them by their names, at most 20; none when they could not be found in time.',
      resolve: async (query, { deviceIds }, _args, { deps }) => {
        const rows = await deps.db.prisma.device.findMany({ ...query, where: { id: { in: [...deviceIds] } } })
        const byId = new Map(rows.map((row) => [row.id, row]))
        return deviceIds.flatMap((id) => byId.get(id) ?? [])
      },
    }),
    overlaps: t.field({
      type: [JobOverlap],
      complexity: listLength,
      description:
        'Open jobs that touch some of the same devices, the newest first, at most 20 of the newest 100 open jobs. A job that has not started is taken to start now.',
      resolve: ({ overlaps }) => overlaps,
    }),
    expectedDurationInSeconds: t.exposeFloat('expectedDurationInSeconds', {
      nullable: true,
      description:
        'How long it would run: the devices at the usual pace of the last jobs of its type that ended by themselves, or at the throttle of job device operations where that is slower; `maxExecutionTimeInSeconds` at most. Other jobs that run at the same time are not taken into account. Null when neither is known, or not how many devices there are.',
    }),
    fingerprint: t.exposeString('fingerprint', {
      nullable: true,
      description:
        'Identifies the devices that meet the condition, for `expect`: the same as long as they are the same. Null when they could not all be counted in time.',
    }),
  }),
})

builder.queryField('previewJob', (t) =>
  t.field({
    type: resultUnion(
      'PreviewJobResult',
      JobPreview,
      [InvalidInputError, QueryConditionError, AlreadyExistsError],
      'What a job would meet, or why it would be refused.',
    ),
    // Whoever may schedule the job may learn from it what this tells.
    authScopes: { operation: 'writeJobs' },
    description:
      'What a job would meet if it were scheduled: it is checked as scheduling checks it, and nothing is done. A LimitExceededError when its devices could not be counted in time; it can be scheduled all the same. Needs the rights of scheduling.',
    args: { input: t.arg({ type: PreviewJobInput, required: true, description: 'The job.' }) },
    resolve: (_root, { input }, context) => {
      const { deps } = context
      deps.throttles.take('queries')
      return previewJob(deps, askerOf(context), input)
    },
  }),
)
