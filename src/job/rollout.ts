import { InvalidInputError } from '../errors.ts'
import { type AbortRule, checkAbortRules } from './abort-rules.ts'

/** How a job proceeds through its devices, as it is stored. */
export type JobRollout = {
  /** Left out when there are no rules. */
  readonly abort?: readonly AbortRule[]
}

/** The rollout that a client requests; null when it has no member. InvalidInputError with the path of the member. */
export function checkRollout(value: unknown): JobRollout | null {
  if (value === undefined || value === null) return null
  const path = ['rollout']
  if (typeof value !== 'object') throw new InvalidInputError(path, 'The rollout must be an object.')
  const { abort }: Readonly<Record<string, unknown>> = { ...value }
  const rules = abort === undefined || abort === null ? [] : checkAbortRules(abort, [...path, 'abort'])
  return rules.length === 0 ? null : { abort: rules }
}
