import { InvalidInputError } from '../errors.ts'
import { type AbortRule, checkAbortRules } from './abort-rules.ts'
import { checkFlag } from './flag.ts'
import { checkRetryPolicy, type RetryPolicy } from './retry-policy.ts'
import { checkTimeWindow, type TimeWindow } from './time-window.ts'
import { checkWaves, type Wave } from './waves.ts'

/** How a job proceeds through its devices, as it is stored. */
export type JobRollout = {
  /** Left out when there are no rules. */
  readonly abort?: readonly AbortRule[]
  /** Whether the job waits until somebody else approves it. Left out when it does not. */
  readonly approval?: true
  /** Left out for a job whose calls are not repeated. */
  readonly retry?: RetryPolicy
  /** Left out for a job without waves. */
  readonly waves?: readonly Wave[]
  /** Left out for a job that may call at any time. */
  readonly window?: TimeWindow
}

/** The members of a rollout as a client sends it. InvalidInputError when it is no object. */
export function rolloutMembers(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object') return { ...value }
  throw new InvalidInputError(['rollout'], 'The rollout must be an object.')
}

/** Where the window of a job is in a request. */
export const windowPath: readonly string[] = ['rollout', 'window']

/**
 * The rollout that a client requests for a job of a type; null when nothing is stored of it. InvalidInputError with the path of
 * the member.
 */
export function checkRollout(
  value: unknown = null,
  type?: 'scheduleDeviceMethod' | 'scheduleUpdateTwin',
): JobRollout | null {
  const { abort, approval, retry, waves, window } = rolloutMembers(value)
  const rules = abort === undefined || abort === null ? [] : checkAbortRules(abort, ['rollout', 'abort'])
  const rollout: JobRollout = {
    ...(rules.length > 0 && { abort: rules }),
    ...(checkFlag(approval ?? false, ['rollout', 'approval']) && { approval: true }),
    ...(retry !== undefined && retry !== null && { retry: checkRetryPolicy(retry, type, ['rollout', 'retry']) }),
    ...(waves !== undefined && waves !== null && { waves: checkWaves(waves, ['rollout', 'waves']) }),
    ...(window !== undefined && window !== null && { window: checkTimeWindow(window, windowPath) }),
  }
  return Object.keys(rollout).length === 0 ? null : rollout
}
