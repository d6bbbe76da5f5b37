import type { RetrySelection as Selection } from '../../job/retry.ts'
import { builder } from '../builder.ts'
import { DeviceJobResult, DeviceJobStatus } from './device-job.ts'
import { isForeign, nullWhenForeign } from './foreign-job.ts'
import { Job, ofJob } from './job.ts'

const RetrySelection = builder.objectRef<Selection>('RetrySelection').implement({
  description: 'The device jobs that a retry repeats: those of the other job that match all members that are not null.',
  fields: (t) => ({
    status: t.field({
      type: [DeviceJobStatus],
      nullable: true,
      description: 'Device jobs with one of these statuses. Null when `result` is given.',
      resolve: ({ status, result }) => (result === undefined ? status : null),
    }),
    result: t.field({
      type: [DeviceJobResult],
      nullable: true,
      description: 'Device jobs with one of these results. Null when `status` is given.',
      resolve: ({ result }) => result ?? null,
    }),
    errorCode: t.stringList({
      nullable: true,
      description: 'Device jobs that failed with one of these codes. Null for any.',
      resolve: ({ errorCode }) => errorCode ?? null,
    }),
    responseStatus: t.intList({
      nullable: true,
      description: 'Device jobs whose device answered with one of these statuses. Null for any.',
      resolve: ({ responseStatus }) => responseStatus ?? null,
    }),
  }),
})

builder.objectField(Job, 'retrySelection', (t) =>
  t.field({
    type: RetrySelection,
    nullable: true,
    ...ofJob('retrySelection'),
    description: `Which device jobs of \`retryOf\` this job repeats. Null when this job is not a retry. ${nullWhenForeign}`,
    resolve: (job, _args, context) => (isForeign(job, context) ? null : job.retrySelection),
  }),
)
