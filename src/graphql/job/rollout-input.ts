import { abortOutcomes, mostRules } from '../../job/abort-rules.ts'
import type { JsonObject } from '../../json/json.ts'
import { builder } from '../builder.ts'
import { AbortRuleInput } from './abort-rule.ts'
import { WaveInput } from './wave-input.ts'

type InputFields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

/** Validated by job/job-limits.ts. */
const limitFields = (t: InputFields) => ({
  maxPerMinute: t.int({
    description:
      'Maximum number of devices that are called, or whose twins are updated, in any minute: 1 to 1000000. They are spread over the minute.',
  }),
  maxConcurrent: t.int({
    description: 'Maximum number of calls in progress at a time: 1 to 1000000. For method calls only.',
  }),
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
  fields: limitFields,
})

/** The limits that are given, as the audit keeps them. */
export const limitsDetail = ({ maxPerMinute, maxConcurrent }: typeof JobLimitsInput.$inferInput): JsonObject => ({
  ...(maxPerMinute !== undefined && { maxPerMinute }),
  ...(maxConcurrent !== undefined && { maxConcurrent }),
})

/** The limits and rules that are given, likewise; of rules, not more than a job may have. Empty without any. */
export function rolloutDetail(given: typeof JobRolloutInput.$inferInput | null | undefined): JsonObject {
  if (given == null) return {}
  const abort = (given.abort ?? []).slice(0, mostRules).map(
    ({ on, errorCode, responseStatus, percent, afterDevices, action }): JsonObject => ({
      ...(on != null && { on: on.slice(0, abortOutcomes.length) }),
      // No code is longer.
      ...(errorCode != null && { errorCode: errorCode.slice(0, 64) }),
      ...(responseStatus != null && { responseStatus }),
      percent,
      ...(afterDevices != null && { afterDevices }),
      action,
    }),
  )
  const rollout = {
    ...limitsDetail(given),
    ...(given.approval && { approval: true }),
    ...(abort.length > 0 && { abort }),
  }
  return Object.keys(rollout).length === 0 ? {} : { rollout }
}

/** What descriptions of arguments say. */
export const rollout = 'How the job proceeds through its devices. Without it, nothing stops the job by itself.'
