import {
  defaultBackoffSeconds,
  defaultFactor,
  defaultMaxBackoffSeconds,
  type RetryPolicy,
  repeatableCodes,
} from '../../job/retry-policy.ts'
import { builder } from '../builder.ts'

const maxAttempts = 'Maximum number of calls to a device, including the first.'
const on = `What is repeated: error codes, and the response statuses of 400 or more with which devices answer, such as \`503\`. The codes are those of calls that were sent: ${repeatableCodes.join(', ')}.`
const backoffSeconds = 'Seconds between the end of the first attempt and the second attempt.'
const factor = 'Each further wait is so many times as long as the one before.'
const maxBackoffSeconds = 'No wait is longer, in seconds.'

/** Validated by job/retry-policy.ts. */
export const RetryPolicyInput = builder.inputType('RetryPolicyInput', {
  description:
    'When a call is sent to a device again. A call that timed out may have been carried out, so what is repeated must be safe to do twice.',
  fields: (t) => ({
    maxAttempts: t.int({ required: true, description: `${maxAttempts} 2 to 10.` }),
    on: t.stringList({ required: true, description: `${on} Nothing else is repeated. 1 to 20 of them.` }),
    backoffSeconds: t.int({ defaultValue: defaultBackoffSeconds, description: `${backoffSeconds} 0 to 86400.` }),
    factor: t.float({ defaultValue: defaultFactor, description: `${factor} 1 to 10, with at most two decimals.` }),
    maxBackoffSeconds: t.int({
      description: `${maxBackoffSeconds} ${defaultMaxBackoffSeconds} when omitted, or \`backoffSeconds\` if that is more. At most 86400.`,
    }),
  }),
})

/** The policy of a job. */
export const JobRetryPolicy = builder.objectRef<RetryPolicy>('RetryPolicy').implement({
  description: 'When calls of a job are sent to a device again.',
  fields: (t) => ({
    maxAttempts: t.exposeInt('maxAttempts', { description: maxAttempts }),
    on: t.stringList({ description: on, resolve: (policy) => [...policy.on] }),
    backoffSeconds: t.exposeInt('backoffSeconds', { description: backoffSeconds }),
    factor: t.exposeFloat('factor', { description: factor }),
    maxBackoffSeconds: t.exposeInt('maxBackoffSeconds', { description: maxBackoffSeconds }),
  }),
})
