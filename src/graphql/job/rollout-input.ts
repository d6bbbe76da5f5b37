import { builder } from '../builder.ts'
import { AbortRuleInput } from './abort-rule.ts'

/** Validated by job/rollout.ts. */
export const JobRolloutInput = builder.inputType('JobRolloutInput', {
  description: 'How a job proceeds through its devices.',
  fields: (t) => ({
    abort: t.field({
      type: [AbortRuleInput],
      description:
        'When to pause or to cancel the job by itself: at most 10 rules. When several act at once, one that cancels comes first.',
    }),
  }),
})

/** What descriptions of arguments say. */
export const rollout = 'How the job proceeds through its devices. Without it, nothing stops the job by itself.'
