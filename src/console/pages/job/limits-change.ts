import type { JobLimitsInput, JobNowFragment } from '../../../generated/console/graphql.ts'
import { readInt } from '../../read-number.ts'
import { placeRefusal, type Refusal } from '../schedule/problems.ts'
import { printRamp, type RampTexts, readRamp } from '../schedule/ramp-texts.ts'

/** The limits of a job as texts. An empty text is no limit. */
export type LimitTexts = RampTexts & {
  readonly maxPerMinute: string
  readonly maxConcurrent: string
  /** Of the budget: calls in each group. Empty for a job without a budget. */
  readonly budgetMaxConcurrent: string
}

/** What is wrong with the limits, by field. */
export type LimitProblems = { readonly [name in keyof LimitTexts]?: string }

/** The limits of a job, to be changed. */
export const printLimits = (rollout: JobNowFragment['rollout']): LimitTexts => ({
  maxPerMinute: print(rollout?.maxPerMinute),
  ...printRamp(rollout?.ramp),
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
): { readonly change: JobLimitsInput } | { readonly problems: LimitProblems } {
  const isChanged = (name: keyof LimitTexts): boolean => typed[name].trim() !== before[name]
  const problems: { -readonly [name in keyof LimitProblems]: string } = {}
  const ramp = readRamp(typed, problems)
  const perMinute = readLimit(typed.maxPerMinute)
  const calls = readLimit(typed.maxConcurrent)
  const callsInGroup = readInt(typed.budgetMaxConcurrent)
  if (perMinute === undefined) problems.maxPerMinute = notWhole
  if (calls === undefined) problems.maxConcurrent = notWhole
  if (isChanged('budgetMaxConcurrent') && callsInGroup === undefined) {
    problems.budgetMaxConcurrent = 'Enter a whole number of calls per group.'
  }
  if (Object.keys(problems).length > 0) return { problems }
  return {
    change: {
      ...(isChanged('maxPerMinute') && { maxPerMinute: perMinute }),
      ...((['rampFrom', 'rampAfterSucceeded', 'rampFactor'] as const).some(isChanged) && { ramp: ramp ?? null }),
      ...(isChanged('maxConcurrent') && { maxConcurrent: calls }),
      ...(isChanged('budgetMaxConcurrent') &&
        callsInGroup !== undefined && { budget: { maxConcurrent: callsInGroup } }),
    },
  }
}

const notWhole = 'Enter a whole number, or leave empty.'

/** The field at which a refusal is shown; undefined if it is about none of them. */
export function placeLimitRefusal(refusal: Refusal, limits: LimitTexts): LimitProblems | undefined {
  const place = placeRefusal(refusal)
  return place !== undefined && place.field in limits ? { [place.field]: place.message } : undefined
}

const print = (limit: number | null | undefined): string => (limit == null ? '' : String(limit))

/** Null for no limit, undefined for a text that is no limit. */
const readLimit = (text: string): number | null | undefined => (text.trim() === '' ? null : readInt(text))
