import { InvalidInputError } from '../errors.ts'
import { parseCondition } from '../query/parser.ts'
import { checkReason } from './reason.ts'
import { checkJobId, checkMaxExecutionTime, checkStartTime } from './request.ts'
import type { DeviceJobResult, DeviceJobStatus, ShownDeviceJobStatus } from './state.ts'

type OpenStatus = 'pending' | 'retrying' | 'running'

/** The possible statuses of a device job in an ended job. */
export type EndedStatus = Exclude<DeviceJobStatus, OpenStatus>
/** The possible results. */
export type EndedResult = Exclude<DeviceJobResult, OpenStatus>

/**
 * Which device jobs of the source to repeat: those in one of these statuses or with one of these results and, where
 * given, with one of these error codes, or with one of these response statuses. A retry stores it as JSON until it
 * starts.
 */
export type RetrySelection = {
  /** Empty with `result`: so an instance of an older release, which does not know results, repeats nothing. */
  readonly status: readonly EndedStatus[]
  readonly result?: readonly EndedResult[]
  readonly errorCode?: readonly string[]
  readonly responseStatus?: readonly number[]
}

/** What the row of a retry stores about it. Jobs are identified by their keys; a family by the key of its first job. */
export type Retry = { readonly sourceKey: string; readonly familyKey: string; readonly selection: RetrySelection }

/** A request as a client sends it; `undefined` and `null` mean "left out". */
export type RetryInput = {
  readonly jobId: string
  readonly newJobId?: string | null | undefined
  readonly status?: readonly ShownDeviceJobStatus[] | null | undefined
  readonly result?: readonly DeviceJobResult[] | null | undefined
  readonly errorCode?: readonly string[] | null | undefined
  readonly responseStatus?: readonly number[] | null | undefined
  readonly queryCondition?: string | null | undefined
  readonly startTime?: Date | null | undefined
  readonly maxExecutionTimeInSeconds?: number | null | undefined
  readonly reason?: string | null | undefined
}

/** A valid request. The source job has not been read yet. */
export type RetryRequest = {
  readonly newJobId: string
  readonly selection: RetrySelection
  /** A condition that devices must meet in addition to that of the source; `*` for no condition. */
  readonly queryCondition: string
  readonly startTime: Date
  /** Undefined for that of the source. */
  readonly maxExecutionTimeInSeconds: number | undefined
  readonly reason: string | null
}

/** Maximum number of values in each list of a selection. */
const maxValues = 100

/**
 * The requested retry, as far as it can be checked without its source. InvalidInputError with the path of the member,
 * also when the members of the selection contradict each other; QueryConditionError.
 */
export function checkRetry(input: RetryInput, now: Date, makeId: () => string): RetryRequest {
  const { newJobId, maxExecutionTimeInSeconds } = input
  const queryCondition = input.queryCondition ?? '*'
  parseCondition(queryCondition)
  return {
    newJobId: newJobId == null ? makeId() : checkJobId(newJobId, ['newJobId']),
    selection: checkSelection(input),
    queryCondition,
    startTime: checkStartTime(input.startTime ?? now, now),
    maxExecutionTimeInSeconds:
      maxExecutionTimeInSeconds == null ? undefined : checkMaxExecutionTime(maxExecutionTimeInSeconds),
    reason: checkReason(input.reason),
  }
}

function checkSelection(input: RetryInput): RetrySelection {
  const errorCode = checkValues(input.errorCode, 'errorCode')
  const responseStatus = checkValues(input.responseStatus, 'responseStatus')
  if (errorCode?.some((code) => code.includes('\0'))) {
    throw new InvalidInputError(['errorCode'], 'An error code must not contain U+0000.')
  }
  if (errorCode !== undefined && responseStatus !== undefined) {
    throw new InvalidInputError(
      ['responseStatus'],
      'A device job has either an error or an answer. Give errorCode or responseStatus, and retry the other device jobs separately.',
    )
  }
  const result = checkEnded(input.result, 'result')
  if (result !== undefined) {
    const other = (['status', 'errorCode', 'responseStatus'] as const).find((name) => input[name] != null)
    if (other !== undefined) {
      throw new InvalidInputError([other], `Give either result or ${other}. A result is enough to select device jobs.`)
    }
    return { status: [], result }
  }
  const status = checkEnded(input.status, 'status') ?? [responseStatus === undefined ? 'failed' : 'completed']
  if (errorCode !== undefined && !status.includes('failed')) {
    throw new InvalidInputError(['errorCode'], 'Only FAILED device jobs have an error code. Add FAILED to status.')
  }
  if (responseStatus !== undefined && !status.includes('completed')) {
    throw new InvalidInputError(
      ['responseStatus'],
      'Only COMPLETED device jobs have a response status. Add COMPLETED to status, or omit status.',
    )
  }
  return { status, ...(errorCode && { errorCode }), ...(responseStatus && { responseStatus }) }
}

const choices = { status: 'FAILED, CANCELLED or COMPLETED', result: 'FAILED, REFUSED, CANCELLED or SUCCEEDED' }

function checkEnded<Value extends string>(
  given: readonly Value[] | null | undefined,
  name: keyof typeof choices,
): readonly Exclude<Value, OpenStatus>[] | undefined {
  return checkValues(given, name)?.map((value) => {
    if (isEnded(value)) return value
    throw new InvalidInputError(
      [name],
      `Device jobs of an ended job cannot be ${value.toUpperCase()}. Retry ${choices[name]} ones.`,
    )
  })
}

const isEnded = <Value extends string>(value: Value): value is Exclude<Value, OpenStatus> =>
  value !== 'pending' && value !== 'running' && value !== 'retrying'

/** Removes duplicates; undefined when left out. */
function checkValues<Value>(values: readonly Value[] | null | undefined, name: string): readonly Value[] | undefined {
  if (values == null) return undefined
  const distinct = [...new Set(values)]
  if (distinct.length >= 1 && distinct.length <= maxValues) return distinct
  throw new InvalidInputError([name], `Give 1 to ${maxValues} values for ${name}, or omit it.`)
}

/** Why there is nothing to retry, as a sentence for users: this can no longer change. */
export function nothingSelected(
  jobId: string,
  { status, result, errorCode, responseStatus }: RetrySelection,
): InvalidInputError {
  const parts = [
    `No device job of "${jobId}" is ${(result ?? status).map((one) => one.toUpperCase()).join(' or ')}`,
    ...(errorCode ? [` with the error code ${errorCode.join(' or ')}`] : []),
    ...(responseStatus ? [` with the response status ${responseStatus.join(' or ')}`] : []),
    ': there is nothing to retry.',
  ]
  const narrowest = responseStatus ? 'responseStatus' : errorCode ? 'errorCode' : result ? 'result' : 'status'
  return new InvalidInputError([narrowest], parts.join(''))
}
