import type { JobLimitsInput, JobNowFragment } from '../../../generated/console/graphql.ts'
import { readInt } from '../../read-number.ts'

/** The limits of a job as texts. An empty text is no limit. */
export type LimitTexts = {
  readonly maxPerMinute: string
  readonly maxConcurrent: string
  /** Of the budget: calls in each group. Empty for a job without a budget. */
  readonly budgetMaxConcurrent: string
}

/** The limits of a job, to be changed. */
export const printLimits = (rollout: JobNowFragment['rollout']): LimitTexts => ({
  maxPerMinute: print(rollout?.maxPerMinute),
  maxConcurrent: print(rollout?.maxConcurrent),
  budgetMaxConcurrent: print(rollout?.budget?.maxConcurrent),
})

/**
 * The limits that differ from those that were there `before`, or why they cannot be sent. The others are left out: somebody
 * else may have changed them meanwhile.
 */
export function readLimitsChange(
  before: LimitTexts,
  typed: LimitTexts,
): { readonly change: JobLimitsInput } | { readonly problem: string } {
  const isChanged = (name: keyof LimitTexts): boolean => typed[name].trim() !== before[name]
  const perMinute = readLimit(typed.maxPerMinute)
  const calls = readLimit(typed.maxConcurrent)
  const callsInGroup = readInt(typed.budgetMaxConcurrent)
  if (perMinute === undefined || calls === undefined) {
    return { problem: 'Enter whole numbers, or leave the fields empty.' }
  }
  if (isChanged('budgetMaxConcurrent') && callsInGroup === undefined) {
    return { problem: 'Enter a whole number of calls per group.' }
  }
  const change = {
    ...(isChanged('maxPerMinute') && { maxPerMinute: perMinute }),
    ...(isChanged('maxConcurrent') && { maxConcurrent: calls }),
    ...(isChanged('budgetMaxConcurrent') && callsInGroup !== undefined && { budget: { maxConcurrent: callsInGroup } }),
  }
  return Object.keys(change).length === 0 ? { problem: 'You have not changed any limit.' } : { change }
}

const print = (limit: number | null | undefined): string => (limit == null ? '' : String(limit))

/** Null for no limit, undefined for a text that is no limit. */
const readLimit = (text: string): number | null | undefined => (text.trim() === '' ? null : readInt(text))
