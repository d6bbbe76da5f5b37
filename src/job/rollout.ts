import { InvalidInputError } from '../errors.ts'
import { type AbortRule, checkAbortRules } from './abort-rules.ts'

/** How a job proceeds through its devices, as it is stored. */
export type JobRollout = {
  /** Left out when there are no rules. */
  readonly abort?: readonly AbortRule[]
}

/** The members of a rollout as a client sends it. InvalidInputError when it is no object. */
export function rolloutMembers(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object') return { ...value }
  throw new InvalidInputError(['rollout'], 'The rollout must be an object.')
}

/** The rollout that a client requests; null when it has no rules. InvalidInputError with the path of the member. */
export function checkRollout(value: unknown = null): JobRollout | null {
  const { abort } = rolloutMembers(value)
  const rules = abort === undefined || abort === null ? [] : checkAbortRules(abort, ['rollout', 'abort'])
  return rules.length === 0 ? null : { abort: rules }
}
