import { InvalidInputError } from '../errors.ts'
import { checkMethodCall, type MethodCall } from '../method/call.ts'
import { parseCondition } from '../query/parser.ts'
import { checkTwinPatch, type TwinPatch } from '../twin/limits.ts'

/** What a job does to each of its devices. The spellings are those of IoT Hub. */
export type JobType = 'scheduleDeviceMethod' | 'scheduleUpdateTwin'

/** What a job consists of besides its type. */
type Common = {
  readonly jobId: string
  readonly queryCondition: string
  readonly startTime: Date
  readonly maxExecutionTimeInSeconds: number
}

/** A valid request for a job. Its time is up `maxExecutionTimeInSeconds` after `startTime`. */
export type JobRequest = Common &
  (
    | { readonly type: 'scheduleDeviceMethod'; readonly cloudToDeviceMethod: MethodCall }
    | { readonly type: 'scheduleUpdateTwin'; readonly updateTwin: TwinPatch }
  )

/** A request as a client gives it; `undefined` and `null` stand for "left out". */
export type JobRequestInput = {
  readonly jobId?: unknown
  readonly type: JobType
  readonly queryCondition: unknown
  readonly startTime?: Date | null | undefined
  readonly maxExecutionTimeInSeconds?: unknown
  readonly cloudToDeviceMethod?: unknown
  readonly updateTwin?: unknown
}

const defaultMaxExecutionTimeInSeconds = 3600
const daysAhead = 30
const secondsPerDay = 24 * 60 * 60

/**
 * The job that is asked for, complete: an id made when none is given, a start time in the past taken as now (a client's
 * "now" has always passed on arrival). Throws `QueryConditionError` when the condition does not parse and
 * `InvalidInputError` with the path of the member for everything else, so that nothing has to fail later that could have
 * been refused.
 */
export function checkJobRequest(input: JobRequestInput, now: Date, makeId: () => string): JobRequest {
  const common = {
    jobId: isLeftOut(input.jobId) ? makeId() : checkJobId(input.jobId),
    queryCondition: checkCondition(input.queryCondition),
    startTime: checkStartTime(input.startTime ?? now, now),
    maxExecutionTimeInSeconds: checkMaxExecutionTime(
      input.maxExecutionTimeInSeconds ?? defaultMaxExecutionTimeInSeconds,
    ),
  }
  switch (input.type) {
    case 'scheduleDeviceMethod':
      refuseOther(input.updateTwin, 'updateTwin')
      return { ...common, type: input.type, cloudToDeviceMethod: checkCall(input.cloudToDeviceMethod) }
    case 'scheduleUpdateTwin':
      refuseOther(input.cloudToDeviceMethod, 'cloudToDeviceMethod')
      return { ...common, type: input.type, updateTwin: checkPatch(input.updateTwin) }
  }
}

function checkJobId(value: unknown): string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9-]{1,64}$/.test(value)) {
    throw new InvalidInputError(['jobId'], 'A job id is 1 to 64 ASCII letters, digits and dashes.')
  }
  // GET /jobs/v2/query is the list of jobs, so a job of that name could never be read there.
  if (value.toLowerCase() === 'query') throw new InvalidInputError(['jobId'], 'A job cannot be called "query".')
  return value
}

/** The text is kept: devices are selected when the job starts, and it is parsed again then. */
function checkCondition(value: unknown): string {
  if (typeof value !== 'string') throw new InvalidInputError(['queryCondition'], 'A query condition is text.')
  parseCondition(value)
  return value
}

function checkStartTime(startTime: Date, now: Date): Date {
  const ahead = startTime.getTime() - now.getTime()
  if (Number.isNaN(ahead)) throw new InvalidInputError(['startTime'], 'The start time is not a date.')
  if (ahead > daysAhead * secondsPerDay * 1000) {
    throw new InvalidInputError(['startTime'], `A job can be scheduled at most ${daysAhead} days ahead.`)
  }
  return ahead > 0 ? startTime : now
}

function checkMaxExecutionTime(value: unknown): number {
  const max = daysAhead * secondsPerDay
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return value
  throw new InvalidInputError(
    ['maxExecutionTimeInSeconds'],
    `maxExecutionTimeInSeconds must be a whole number from 1 to ${max} (${daysAhead} days).`,
  )
}

function checkCall(value: unknown): MethodCall {
  const path = ['cloudToDeviceMethod']
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidInputError(path, 'A device method job needs a method to call.')
  }
  return checkMethodCall(value, path)
}

function checkPatch(value: unknown): TwinPatch {
  const path = ['updateTwin']
  if (isLeftOut(value)) throw new InvalidInputError(path, 'A twin update job needs a patch.')
  const patch = checkTwinPatch(value, path)
  if (Object.keys({ ...patch.tags, ...patch.desired }).length === 0) {
    throw new InvalidInputError(path, 'The twin patch is empty: it would change no device.')
  }
  return patch
}

function refuseOther(value: unknown, name: string): void {
  if (!isLeftOut(value)) throw new InvalidInputError([name], `A job of this type has no ${name}.`)
}

function isLeftOut(value: unknown): boolean {
  return value === undefined || value === null
}
