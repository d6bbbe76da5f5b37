import { countedBy } from '../../job/abort-rules.ts'
import { builder } from '../builder.ts'
import { type CountingRule, JobAbortRule } from './abort-rule.ts'
import { isForeign, nullWhenForeign } from './foreign-job.ts'
import { Job, ofJob } from './job.ts'

type Rollout = { readonly abort: readonly CountingRule[] }

const JobRollout = builder.objectRef<Rollout>('JobRollout').implement({
  description: 'How a job proceeds through its devices.',
  fields: (t) => ({
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
    ...ofJob('rollout', 'judgedFrom', 'crossedRule', 'succeededCount', 'refusedCount', 'failedCount'),
    description: `How the job proceeds through its devices, as it was requested. Null when nothing was. A retry has that of the job that it repeats. ${nullWhenForeign}`,
    resolve: (job, _args, context) => {
      if (job.rollout === null || isForeign(job, context)) return null
      const { abort = [] } = job.rollout
      return {
        abort: abort.map((rule, place) => ({
          rule,
          ...countedBy(rule, job, job.judgedFrom),
          hasActed: job.crossedRule === place,
        })),
      }
    },
  }),
)
