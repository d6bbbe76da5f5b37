import { InvalidInputError } from '../errors.ts'
import { type Budget, checkBudget, withoutBudget } from './budget.ts'
import { checkRamp, type Rate, stagesOf } from './ramp.ts'
import { rolloutMembers } from './rollout.ts'

/** The limits of a job; null for none. They hold over all instances together. */
export type JobLimits = Budget &
  Rate & {
    /** Calls under way at a time. */
    readonly maxConcurrent: number | null
  }

export const withoutLimits: JobLimits = { maxPerMinute: null, ramp: null, maxConcurrent: null, ...withoutBudget }

const largest = 1_000_000

/**
 * The limits that a client gives; what is left out stays as it was `before`, and null takes a limit away. InvalidInputError
 * with the path of the member.
 */
export function checkLimits(
  rollout: unknown,
  type: 'scheduleDeviceMethod' | 'scheduleUpdateTwin' | undefined,
  before = withoutLimits,
): JobLimits {
  if (rollout === undefined) return before
  if (rollout === null) return withoutLimits
  const { maxPerMinute: rate, ramp, maxConcurrent, budget } = rolloutMembers(rollout)
  if (type === 'scheduleUpdateTwin') refuseForTwins({ maxConcurrent, budget })
  const maxPerMinute = rate === undefined ? before.maxPerMinute : checkLimit(rate, 'maxPerMinute')
  return {
    maxPerMinute,
    ramp: checkRamp(ramp, before.ramp, maxPerMinute),
    maxConcurrent: maxConcurrent === undefined ? before.maxConcurrent : checkLimit(maxConcurrent, 'maxConcurrent'),
    ...checkBudget(budget, before),
  }
}

/** What bounds calls in progress would never hold back a twin update. */
function refuseForTwins(bounds: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(bounds)) {
    if (value === undefined || value === null) continue
    const message =
      'A twin update is never under way: the twin and its outcome are written together. Give maxPerMinute.'
    throw new InvalidInputError(['rollout', name], message)
  }
}

function checkLimit(value: unknown, name: string): number | null {
  if (value === null) return null
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= largest) return value
  throw new InvalidInputError(
    ['rollout', name],
    `${name} must be a whole number from 1 to ${largest}. Pause the job to stop it.`,
  )
}

/** For how many devices there may be room at once, with a ramp when it has reached its maximum; undefined without limits. */
export function mostAtOnce({ maxPerMinute, maxConcurrent, budgetMaxConcurrent }: JobLimits): number | undefined {
  if (maxPerMinute === null && maxConcurrent === null && budgetMaxConcurrent === null) return undefined
  const burst = maxPerMinute === null ? largest : burstOf(maxPerMinute)
  return Math.min(burst, maxConcurrent ?? largest)
}

/** The same at first: a ramp begins with less. */
export const firstAtOnce = (limits: JobLimits): number | undefined =>
  mostAtOnce(limits.ramp === null ? limits : { ...limits, maxPerMinute: limits.ramp.from })

/**
 * The seconds from the turn of the first device to that of the last: less is not possible at this rate, even if every device succeeds
 * at once. Null without a rate.
 */
export function shortestSeconds(deviceCount: number, limits: JobLimits): number | null {
  if (limits.maxPerMinute === null) return null
  const stages = stagesOf(limits, 0, deviceCount)
  let microseconds = 0
  let free = burstOf(stages[0]?.perMinute ?? limits.maxPerMinute)
  for (const { devices, perMinute } of stages) {
    microseconds += Math.max(devices - free, 0) * intervalOf(perMinute ?? limits.maxPerMinute)
    free = Math.max(free - devices, 0)
  }
  return microseconds / 1_000_000
}

/** As `rate_interval` in the migration limits_of_jobs, in microseconds. */
const intervalOf = (maxPerMinute: number): number => Math.ceil(60_000_000 / (maxPerMinute - burstOf(maxPerMinute) + 1))

/** As `rate_burst` in the migration limits_of_jobs. */
const burstOf = (maxPerMinute: number): number => Math.max(Math.floor(maxPerMinute / 60), 1)
