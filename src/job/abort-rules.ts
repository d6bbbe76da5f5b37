import { InvalidInputError } from '../errors.ts'
import { type ErrorCode, errorCodes } from './error-codes.ts'
import type { DeviceJobStatistics } from './statistics.ts'

// The rules are applied by the trigger `apply_abort_rules`, in the change of a job's counters that crosses a threshold.

/** The results of device jobs that an abort rule can count. Those that timed out have failed. */
export const abortOutcomes = ['failed', 'refused', 'timedOut'] as const
export type AbortOutcome = (typeof abortOutcomes)[number]

export const abortActions = ['pause', 'cancel'] as const
export type AbortAction = (typeof abortActions)[number]

/** What a rule counts: device jobs with one of these results, with this error code, or with this response status. */
export type Counted =
  | { readonly on: readonly AbortOutcome[]; readonly errorCode?: never; readonly responseStatus?: never }
  | { readonly errorCode: ErrorCode; readonly on?: never; readonly responseStatus?: never }
  | { readonly responseStatus: number; readonly on?: never; readonly errorCode?: never }

/**
 * The job is paused or cancelled when at least one device, and at least `percent` of those that have ended, are counted, as
 * soon as `afterDevices` have ended.
 */
export type AbortRule = Counted & {
  /** At most two decimals, so that PostgreSQL compares exactly what the client wrote. */
  readonly percent: number
  readonly afterDevices: number
  readonly action: AbortAction
}

/** Device jobs by their error code, or by the response status of their device. */
export type RuleCounts = Readonly<Record<string, number>>

/** The counters that crossed the threshold of a rule, and the calls that were under way then. */
export type AbortCrossing = {
  readonly rule: AbortRule
  readonly matched: number
  readonly ended: number
  readonly underWay: number
}

/** What a job's rules count from: its counters when it was resumed last. */
export type AbortBase = {
  readonly ended: number
  readonly failed: number
  readonly refused: number
  readonly counts?: RuleCounts
}

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
    const { on, errorCode, responseStatus, percent, afterDevices } = checked
    const key = [on?.join(' '), errorCode, responseStatus, percent, afterDevices].join('/')
    if (known.has(key)) {
      throw new InvalidInputError(at, 'Another rule counts the same, with the same percentage and number of devices.')
    }
    known.add(key)
    return checked
  })
}

function checkRule(value: unknown, path: readonly string[]): AbortRule {
  if (typeof value !== 'object' || value === null) throw new InvalidInputError(path, 'An abort rule must be an object.')
  const { percent, afterDevices, action, ...counted }: Readonly<Record<string, unknown>> = { ...value }
  return {
    ...checkCounted(counted, path),
    percent: checkPercent(percent, [...path, 'percent']),
    afterDevices: checkAfterDevices(afterDevices ?? defaultAfterDevices, [...path, 'afterDevices']),
    action: checkAction(action, [...path, 'action']),
  }
}

function checkCounted(
  { on = null, errorCode = null, responseStatus = null }: Readonly<Record<string, unknown>>,
  path: readonly string[],
): Counted {
  const given = Object.entries({ on, errorCode, responseStatus }).filter(([, value]) => value !== null)
  if (given.length !== 1) {
    throw new InvalidInputError(
      [...path, given[1]?.[0] ?? 'on'],
      'An abort rule counts results (on), an error code (errorCode) or a response status (responseStatus). Give exactly one of them.',
    )
  }
  if (errorCode !== null) return { errorCode: checkErrorCode(errorCode, [...path, 'errorCode']) }
  if (responseStatus !== null) {
    return { responseStatus: checkResponseStatus(responseStatus, [...path, 'responseStatus']) }
  }
  return { on: checkOutcomes(on, [...path, 'on']) }
}

function checkErrorCode(value: unknown, path: readonly string[]): ErrorCode {
  const code = errorCodes.find((known) => known === value)
  if (code !== undefined) return code
  throw new InvalidInputError(
    path,
    `While a job runs, its devices fail with one of these codes: ${errorCodes.join(', ')}.`,
  )
}

function checkResponseStatus(value: unknown, path: readonly string[]): number {
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value
  throw new InvalidInputError(path, 'A response status is a whole number, such as 503.')
}

/** Each once, in the order of `abortOutcomes`. */
function checkOutcomes(value: unknown, path: readonly string[]): readonly AbortOutcome[] {
  const outcomes = Array.isArray(value) ? abortOutcomes.filter((outcome) => value.includes(outcome)) : []
  if (Array.isArray(value) && outcomes.length > 0 && outcomes.length === new Set(value).size) return outcomes
  throw new InvalidInputError(
    path,
    'An abort rule counts failed device jobs, refused ones, or those that timed out: at least one of these.',
  )
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

/** The code of device jobs that timed out: their call was sent, and the device did not answer in time. */
const timedOut: ErrorCode = 'GatewayTimeout'

/** What a rule counts in addition to the counters that every job has: an error code, or a response status as text. */
function singleOf({ on, errorCode, responseStatus }: AbortRule): string | undefined {
  if (errorCode !== undefined) return errorCode
  if (responseStatus !== undefined) return String(responseStatus)
  return on.includes('timedOut') && !on.includes('failed') ? timedOut : undefined
}

/** The counts at the start of a job with these rules; null when its other counters are enough. */
export function initialCounts(rules: readonly AbortRule[] = []): RuleCounts | null {
  const counted = rules.flatMap((rule) => singleOf(rule) ?? [])
  return counted.length === 0 ? null : Object.fromEntries(counted.map((one) => [one, 0]))
}

/** How many devices a rule counts, and how many have ended, since the job started or was resumed. */
export function countedBy(
  rule: AbortRule,
  {
    succeededCount,
    refusedCount,
    failedCount,
    ruleCounts,
  }: Pick<DeviceJobStatistics, 'succeededCount' | 'refusedCount' | 'failedCount'> & {
    readonly ruleCounts: RuleCounts | null
  },
  from: AbortBase | null,
): { readonly matched: number; readonly ended: number } {
  const single = singleOf(rule) ?? ''
  const counts = {
    failed: rule.on?.includes('failed') ? failedCount - (from?.failed ?? 0) : 0,
    refused: rule.on?.includes('refused') ? refusedCount - (from?.refused ?? 0) : 0,
    single: (ruleCounts?.[single] ?? 0) - (from?.counts?.[single] ?? 0),
  }
  return {
    matched: counts.failed + counts.refused + counts.single,
    ended: succeededCount + failedCount - (from?.ended ?? 0),
  }
}

const words: Readonly<Record<AbortOutcome, string>> = { failed: 'failed', refused: 'refused', timedOut: 'timed out' }

function countedInWords({ on, errorCode, responseStatus }: AbortRule): string {
  if (errorCode !== undefined) return `failed with ${errorCode}`
  if (responseStatus !== undefined) return `answered with status ${responseStatus}`
  return on.map((outcome) => words[outcome]).join(' or ')
}

/** The threshold of a rule as a clause: "at least 3 % of the devices failed or refused". */
export const inWords = (rule: AbortRule): string =>
  `${rule.percent === 0 ? 'a device' : `at least ${rule.percent} % of the devices`} ${countedInWords(rule)}`
