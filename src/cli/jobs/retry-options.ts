import { Option } from '@commander-js/extra-typings'
import type { RetryPolicyInput } from '../../generated/commands/graphql.ts'
import { given, wholeNumber } from '../options.ts'
import { UsageError } from '../usage-error.ts'

// The options of a new job whose calls are sent again after failures.

/** Seconds in a day. */
const longestBackoff = 86_400

/** What is repeated. The hub checks the names. */
export const retryOn = () =>
  new Option(
    '--retry-on <CAUSES>',
    'calls are sent again after these error codes and response statuses, such as "503,GatewayTimeout"',
  ).argParser((text: string) => given(causesIn(text), 'error codes and response statuses such as 503,GatewayTimeout'))

export const maxAttempts = () =>
  wholeNumber('--max-attempts <N>', 'calls to a device at most, with the first; with --retry-on', { min: 2, max: 10 })

export const backoff = () =>
  wholeNumber('--backoff <S>', 'seconds until the second call; 10 if omitted', { min: 0, max: longestBackoff })

export const backoffFactor = () =>
  new Option(
    '--backoff-factor <N>',
    'each further wait is so many times as long as the one before; 2 if omitted',
  ).argParser((text: string) =>
    given(/^\d{1,2}(\.\d{1,2})?$/.test(text) ? Number(text) : undefined, 'a number from 1 to 10 such as 1.5'),
  )

export const maxBackoff = () =>
  wholeNumber('--max-backoff <S>', 'no wait is longer, in seconds; 3600 if omitted', { min: 0, max: longestBackoff })

function causesIn(text: string): readonly string[] | undefined {
  const causes = text.split(',').map((cause) => cause.trim())
  return causes.includes('') ? undefined : causes
}

export type RetryOptions = {
  readonly retryOn?: readonly string[]
  readonly maxAttempts?: number
  readonly backoff?: number
  readonly backoffFactor?: number
  readonly maxBackoff?: number
}

/** The retry policy that the options give; undefined without any. */
export function retryPolicyOf(options: RetryOptions): RetryPolicyInput | undefined {
  const { retryOn: on, maxAttempts, backoff, backoffFactor, maxBackoff } = options
  if (on === undefined && [maxAttempts, backoff, backoffFactor, maxBackoff].every((value) => value === undefined)) {
    return undefined
  }
  if (on === undefined || maxAttempts === undefined) {
    throw new UsageError('To send calls again, give --retry-on and --max-attempts.')
  }
  return {
    on: [...on],
    maxAttempts,
    ...(backoff !== undefined && { backoffSeconds: backoff }),
    ...(backoffFactor !== undefined && { factor: backoffFactor }),
    ...(maxBackoff !== undefined && { maxBackoffSeconds: maxBackoff }),
  }
}
