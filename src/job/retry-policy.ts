import { InvalidInputError } from '../errors.ts'
import type { ErrorCode } from './error-codes.ts'
import { firstFailureStatus } from './state.ts'

// The policy is applied where the ends of calls are written: by the function `repeat_calls`.

/** When a call that failed is sent to its device again, as it is stored. */
export type RetryPolicy = {
  /** Of each device, with the first. */
  readonly maxAttempts: number
  /** What is repeated: error codes, and response statuses as text. */
  readonly on: readonly string[]
  /** Seconds between the first attempt and the second. Each further wait is `factor` times as long. */
  readonly backoffSeconds: number
  readonly factor: number
  readonly maxBackoffSeconds: number
}

const mostAttempts = 10
const mostCauses = 20
const longestBackoff = 24 * 60 * 60
const largestFactor = 10

export const defaultBackoffSeconds = 10
export const defaultFactor = 2
export const defaultMaxBackoffSeconds = 3600

/** The codes of calls that were sent. Only a call that was sent can be repeated. */
export const repeatableCodes = [
  'GatewayTimeout',
  'OutcomeUnknown',
  'BadDeviceResponse',
] as const satisfies readonly ErrorCode[]

/** The policy that a client gives. InvalidInputError with the path of the member. */
export function checkRetryPolicy(
  value: unknown,
  type: 'scheduleDeviceMethod' | 'scheduleUpdateTwin' | undefined,
  path: readonly string[],
): RetryPolicy {
  if (typeof value !== 'object' || value === null) {
    throw new InvalidInputError(path, 'The retry policy must be an object.')
  }
  if (type === 'scheduleUpdateTwin') {
    const message = 'A twin update has nothing to repeat: the hub changes the twin itself, and no device has to answer.'
    throw new InvalidInputError(path, message)
  }
  const { maxAttempts, on, backoffSeconds, factor, maxBackoffSeconds }: Readonly<Record<string, unknown>> = { ...value }
  const backoff = checkWhole(backoffSeconds ?? defaultBackoffSeconds, 0, longestBackoff, [...path, 'backoffSeconds'])
  return {
    maxAttempts: checkWhole(maxAttempts, 2, mostAttempts, [...path, 'maxAttempts']),
    on: checkCauses(on, [...path, 'on']),
    backoffSeconds: backoff,
    factor: checkFactor(factor ?? defaultFactor, [...path, 'factor']),
    maxBackoffSeconds: checkMaxBackoff(maxBackoffSeconds, backoff, [...path, 'maxBackoffSeconds']),
  }
}

function checkWhole(value: unknown, least: number, most: number, path: readonly string[]): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most)
    return value === 0 ? 0 : value
  throw new InvalidInputError(path, `${path.at(-1)} must be a whole number from ${least} to ${most}.`)
}

/** Each once, in the order in which they were given. */
function checkCauses(value: unknown, path: readonly string[]): readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostCauses) {
    const message = `A retry policy names 1 to ${mostCauses} error codes or response statuses. Nothing else is repeated.`
    throw new InvalidInputError(path, message)
  }
  return [...new Set(value.map((cause: unknown, index) => checkCause(cause, [...path, String(index)])))]
}

function checkCause(value: unknown, path: readonly string[]): string {
  const code = repeatableCodes.find((known) => known === value)
  if (code !== undefined) return code
  if (typeof value === 'string' && /^[1-9]\d{0,9}$/.test(value)) {
    const status = Number(value)
    if (status >= firstFailureStatus && status < 2 ** 31) return value
  }
  throw new InvalidInputError(
    path,
    `A call is repeated after one of the codes ${repeatableCodes.join(', ')}, or after a response status of ${firstFailureStatus} or more, such as "503". With other codes no call was sent.`,
  )
}

function checkFactor(value: unknown, path: readonly string[]): number {
  if (typeof value === 'number' && value >= 1 && value <= largestFactor && Number(value.toFixed(2)) === value)
    return value
  throw new InvalidInputError(
    path,
    `factor must be a number from 1 to ${largestFactor} with at most two decimals: each wait is so many times as long as the one before.`,
  )
}

function checkMaxBackoff(value: unknown, backoffSeconds: number, path: readonly string[]): number {
  if (value === undefined || value === null) return Math.max(defaultMaxBackoffSeconds, backoffSeconds)
  const most = checkWhole(value, 0, longestBackoff, path)
  if (most >= backoffSeconds) return most
  throw new InvalidInputError(path, `maxBackoffSeconds must be at least backoffSeconds, which is ${backoffSeconds}.`)
}

const conjunction = new Intl.ListFormat('en', { type: 'disjunction' })

/** The policy as a clause: "up to 3 attempts after GatewayTimeout or 503". */
export const retryInWords = ({ maxAttempts, on }: RetryPolicy): string =>
  `up to ${maxAttempts} attempts after ${conjunction.format(on)}`
