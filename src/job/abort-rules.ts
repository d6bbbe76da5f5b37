import { InvalidInputError } from '../errors.ts'
import type { DeviceJobStatistics } from './statistics.ts'

// The rules are applied by the trigger `apply_abort_rules`, in the change of a job's counters that crosses a threshold.

/** The results of device jobs that an abort rule can count: those that have a counter in the row of the job. */
export const abortOutcomes = ['failed', 'refused'] as const
export type AbortOutcome = (typeof abortOutcomes)[number]

export const abortActions = ['pause', 'cancel'] as const
export type AbortAction = (typeof abortActions)[number]

/**
 * The job is paused or cancelled when at least one device, and at least `percent` of those that have ended, have one of
 * these results, as soon as `afterDevices` have ended.
 */
export type AbortRule = {
  readonly on: readonly AbortOutcome[]
  /** At most two decimals, so that PostgreSQL compares exactly what the client wrote. */
  readonly percent: number
  readonly afterDevices: number
  readonly action: AbortAction
}

/** The counters that crossed the threshold of a rule, and the calls that were under way then. */
export type AbortCrossing = {
  readonly rule: AbortRule
  readonly matched: number
  readonly ended: number
  readonly underWay: number
}

/** What a job's rules count from: its counters when it was resumed last. */
export type AbortBase = { readonly ended: number; readonly failed: number; readonly refused: number }

/** The most rules of a job. */
export const mostRules = 10
export const defaultAfterDevices = 1

/** The rules in the order in which they were given. InvalidInputError with the path of the member. */
export function checkAbortRules(value: unknown, path: readonly string[]): readonly AbortRule[] {
  if (!Array.isArray(value)) throw new InvalidInputError(path, 'Abort rules must be a list.')
  if (value.length > mostRules) throw new InvalidInputError(path, `A job has at most ${mostRules} abort rules.`)
  const known = new Set<string>()
  return value.map((rule: unknown, index) => {
    const at = [...path, String(index)]
    const checked = checkRule(rule, at)
    const { on, percent, afterDevices } = checked
    const threshold = [...on, percent, afterDevices].join(' ')
    if (known.has(threshold)) {
      throw new InvalidInputError(at, 'Another rule has the same outcomes, percentage and number of devices.')
    }
    known.add(threshold)
    return checked
  })
}

function checkRule(value: unknown, path: readonly string[]): AbortRule {
  if (typeof value !== 'object' || value === null) throw new InvalidInputError(path, 'An abort rule must be an object.')
  const { on, percent, afterDevices, action }: Readonly<Record<string, unknown>> = { ...value }
  return {
    on: checkOutcomes(on, [...path, 'on']),
    percent: checkPercent(percent, [...path, 'percent']),
    afterDevices: checkAfterDevices(afterDevices ?? defaultAfterDevices, [...path, 'afterDevices']),
    action: checkAction(action, [...path, 'action']),
  }
}

/** Each once, in the order of `abortOutcomes`. */
function checkOutcomes(value: unknown, path: readonly string[]): readonly AbortOutcome[] {
  const outcomes = Array.isArray(value) ? abortOutcomes.filter((outcome) => value.includes(outcome)) : []
  if (Array.isArray(value) && outcomes.length > 0 && outcomes.length === new Set(value).size) return outcomes
  throw new InvalidInputError(path, 'An abort rule counts failed device jobs, refused ones, or both.')
}

/** At most two decimals. InvalidInputError. */
export function checkPercent(value: unknown, path: readonly string[]): number {
  if (typeof value === 'number' && value >= 0 && value <= 100 && Number(value.toFixed(2)) === value) {
    return value === 0 ? 0 : value // Without the sign of -0.
  }
  throw new InvalidInputError(path, 'The percentage must be a number from 0 to 100 with at most two decimals.')
}

function checkAfterDevices(value: unknown, path: readonly string[]): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value < 2 ** 31) return value
  throw new InvalidInputError(path, 'afterDevices must be a whole number of at least 1.')
}

function checkAction(value: unknown, path: readonly string[]): AbortAction {
  const action = abortActions.find((known) => known === value)
  if (action !== undefined) return action
  throw new InvalidInputError(path, 'The action of an abort rule is to pause or to cancel the job.')
}

/** How many devices a rule counts, and how many have ended, since the job started or was resumed. */
export function countedBy(
  { on }: AbortRule,
  { succeededCount, refusedCount, failedCount }: DeviceJobStatistics,
  from: AbortBase | null,
): { readonly matched: number; readonly ended: number } {
  const since = {
    failed: failedCount - (from?.failed ?? 0),
    refused: refusedCount - (from?.refused ?? 0),
  }
  return {
    matched: on.reduce((sum, outcome) => sum + since[outcome], 0),
    ended: succeededCount + failedCount - (from?.ended ?? 0),
  }
}

/** The threshold of a rule as a clause: "at least 3 % of the devices failed or refused". */
export const inWords = ({ on, percent }: AbortRule): string =>
  `${percent === 0 ? 'a device' : `at least ${percent} % of the devices`} ${on.join(' or ')}`
