import { countedBy } from '../../job/abort-rules.ts'
import type { JobLimits } from '../../job/job-limits.ts'
import { builder } from '../builder.ts'
import { type CountingRule, JobAbortRule } from './abort-rule.ts'
import { isForeign, nullWhenForeign } from './foreign-job.ts'
import { Job, ofJob } from './job.ts'

type Rollout = JobLimits & { readonly approval: boolean; readonly abort: readonly CountingRule[] }

const JobRollout = builder.objectRef<Rollout>('JobRollout').implement({
  description: 'How a job proceeds through its devices.',
  fields: (t) => ({
    maxPerMinute: t.exposeInt('maxPerMinute', {
      nullable: true,
      description:
        'Maximum number of devices that are called, or whose twins are updated, in any minute. Null for no limit.',
    }),
    maxConcurrent: t.exposeInt('maxConcurrent', {
      nullable: true,
      description: 'Maximum number of calls in progress at a time. Null for no limit.',
    }),
    approval: t.exposeBoolean('approval', {
      description: 'Whether somebody else than who scheduled the job had, or has, to approve it before its start.',
    }),
    abort: t.field({
      type: [JobAbortRule],
      description: 'When the job is paused or cancelled by itself. Empty without such rules.',
      resolve: ({ abort }) => [...abort],
    }),
  }),
})

builder.objectField(Job, 'rollout', (t) =>
  t.field({
    type: JobRollout,
    nullable: true,
    ...ofJob(
      'rollout',
      'judgedFrom',
      'ruleCounts',
      'crossedRule',
      'maxPerMinute',
      'maxConcurrent',
      'succeededCount',
      'refusedCount',
      'failedCount',
    ),
    description: `How the job proceeds through its devices, as it was requested. Null when nothing was. A retry has that of the job that it repeats. ${nullWhenForeign}`,
    resolve: (job, _args, context) => {
      const { maxPerMinute, maxConcurrent } = job
      const isWithout = job.rollout === null && maxPerMinute === null && maxConcurrent === null
      if (isWithout || isForeign(job, context)) return null
      const { abort = [], approval = false } = job.rollout ?? {}
      return {
        maxPerMinute,
        maxConcurrent,
        approval,
        abort: abort.map((rule, place) => ({
          rule,
          ...countedBy(rule, job, job.judgedFrom),
          hasActed: job.crossedRule === place,
        })),
      }
    },
  }),
)
