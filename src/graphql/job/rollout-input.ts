import { builder } from '../builder.ts'
import { AbortRuleInput } from './abort-rule.ts'
import { RampInput } from './ramp.ts'
import { RetryPolicyInput } from './retry-policy.ts'
import { WaveInput } from './wave-input.ts'
import { WindowInput } from './window-input.ts'

type InputFields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

/** Validated by job/job-limits.ts and job/ramp.ts. */
const limitFields = (t: InputFields) => ({
  maxPerMinute: t.int({
    description:
      'Maximum number of devices that are called, or whose twins are updated, in any minute: 1 to 1000000. They are spread over the minute.',
  }),
  ramp: t.field({
    type: RampInput,
    description:
      'How the rate rises to `maxPerMinute`, which it requires. Without it, the rate is the same from the start on.',
  }),
  maxConcurrent: t.int({
    description: 'Maximum number of calls in progress at a time: 1 to 1000000. For method calls only.',
  }),
})

const budgetMaximum = (t: InputFields) =>
  t.int({ required: true, description: 'Maximum number of calls in progress at a time in each group: 1 to 1000000.' })

/** Validated by job/budget.ts. */
const DisruptionBudgetInput = builder.inputType('DisruptionBudgetInput', {
  description:
    'How many devices of a group, such as a site, may be disrupted at a time. The devices are grouped when they are selected.',
  fields: (t) => ({
    groupBy: t.string({
      required: true,
      description:
        'A path as in query conditions, such as `tags.site`. Devices with the same value form a group. Devices without a value form one group, too.',
    }),
    maxConcurrent: budgetMaximum(t),
  }),
})

/** Validated by job/budget.ts. */
const DisruptionBudgetChangeInput = builder.inputType('DisruptionBudgetChangeInput', {
  description: 'A change of the budget that a job has. Its groups stay.',
  fields: (t) => ({ maxConcurrent: budgetMaximum(t) }),
})

/** Validated by job/rollout.ts and job/job-limits.ts. */
export const JobRolloutInput = builder.inputType('JobRolloutInput', {
  description: 'How a job proceeds through its devices.',
  fields: (t) => ({
    ...limitFields(t),
    approval: t.boolean({
      defaultValue: false,
      description:
        'Whether the job waits until somebody else approves it (`approveJob`). Its maximum execution time runs meanwhile.',
    }),
    waves: t.field({
      type: [WaveInput],
      description:
        'The devices have their turn in 2 to 20 waves. Each is opened when the one before has passed its gate. The last wave takes the rest of the devices.',
    }),
    window: t.field({
      type: WindowInput,
      description:
        'When calls begin, or twins are updated: on certain days, between two times of day. The maximum execution time has to reach it, and goes on while it is closed.',
    }),
    budget: t.field({
      type: DisruptionBudgetInput,
      description:
        'Maximum number of calls in progress at a time in each group of devices, in addition to the other limits. For method calls only.',
    }),
    retry: t.field({
      type: RetryPolicyInput,
      description: 'When a call is sent to a device again. Without it, no call is repeated. For method calls only.',
    }),
    abort: t.field({
      type: [AbortRuleInput],
      description:
        'When to pause or to cancel the job by itself: at most 10 rules. When several act at once, one that cancels comes first.',
    }),
  }),
})

/** The limits of a job, as `updateJob` changes them. */
export const JobLimitsInput = builder.inputType('JobLimitsInput', {
  description: 'The limits of a job to change. A limit that is omitted stays, and null removes it.',
  fields: (t) => ({
    ...limitFields(t),
    budget: t.field({
      type: DisruptionBudgetChangeInput,
      description: 'The budget to change. Only a job that was scheduled with a budget has one.',
    }),
  }),
})

/** What descriptions of arguments say. */
export const rollout = 'How the job proceeds through its devices. Without it, nothing stops the job by itself.'
