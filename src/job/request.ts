import { InvalidInputError } from '../errors.ts'
import type { Limits } from '../limits/limits.ts'
import { checkMethodCall, type MethodCall } from '../method/check-call.ts'
import { parseCondition } from '../query/parser.ts'
import { checkTwinPatch, type TwinPatch } from '../twin/check-patch.ts'
import { checkFlag } from './flag.ts'
import { checkLimits, type JobLimits } from './job-limits.ts'
import { checkNaming, type Naming, type NamingInput } from './naming.ts'
import { checkOnOverlap, type JobOverlapPolicy } from './on-overlap.ts'
import { checkRollout, type JobRollout, windowPath } from './rollout.ts'
import { checkTargets, type JobTargets, refuseWithContinuous } from './targets.ts'
import { longestCallOf, requireLongEnough, requireOpening, type TimeWindow } from './time-window.ts'
import type { Wave } from './waves.ts'

/** What a job does to each of its devices, as spelled by IoT Hub. */
export type JobType = 'scheduleDeviceMethod' | 'scheduleUpdateTwin'

/** The parts of a job in addition to its type. */
type Common = Naming & {
  readonly limits: JobLimits
  readonly jobId: string
  readonly queryCondition: string
  readonly startTime: Date
  readonly maxExecutionTimeInSeconds: number
  readonly expect: JobExpectation | undefined
  readonly targets: JobTargets
  readonly onOverlap: JobOverlapPolicy
  readonly rollout: JobRollout | null
  /** Whether devices are skipped whose twins the patch would not change. False for method calls. */
  readonly skipCompliant: boolean
}

/** What a client expects of the devices of a job: their fingerprint, and their maximum number. */
export type JobExpectation = { readonly fingerprint: string | undefined; readonly maxDevices: number | undefined }

/** A valid request for a job. Its deadline is `maxExecutionTimeInSeconds` after `startTime`. */
export type JobRequest = Common &
  (
    | { readonly type: 'scheduleDeviceMethod'; readonly cloudToDeviceMethod: MethodCall }
    | { readonly type: 'scheduleUpdateTwin'; readonly updateTwin: TwinPatch }
  )

/** A request as a client sends it; `undefined` and `null` mean "left out". */
export type JobRequestInput = NamingInput & {
  readonly targets?: unknown
  readonly onOverlap?: unknown
  readonly rollout?: unknown
  readonly jobId?: unknown
  readonly type: JobType
  readonly queryCondition: unknown
  readonly startTime?: Date | null | undefined
  readonly maxExecutionTimeInSeconds?: unknown
  readonly cloudToDeviceMethod?: unknown
  readonly updateTwin?: unknown
  readonly skipCompliant?: unknown
  /** Whether an empty patch is accepted: clients of IoT Hub send back twins that contain nothing they may write. */
  readonly mayChangeNothing?: boolean
  readonly expect?: unknown
}

/** A valid preview request: a job that has not been scheduled, possibly without its operation. */
export type PreviewRequest = {
  readonly targets: JobTargets
  readonly onOverlap: JobOverlapPolicy
  readonly waves: readonly Wave[]
  readonly window: TimeWindow | undefined
  /** Milliseconds that a call may take; 0 without a method call. */
  readonly longestCall: number
  readonly startTime: Date
  readonly limits: JobLimits
  readonly jobId: string | undefined
  readonly queryCondition: string
  readonly maxExecutionTimeInSeconds: number
  readonly type: JobType | undefined
  /** 0 without a method call, and for one that waits until the deadline of the job. */
  readonly connectTimeoutInSeconds: number
  readonly updateTwin: TwinPatch | undefined
  readonly skipCompliant: boolean
}

/** The preview request as a client sends it: a job request without its type. */
export type PreviewRequestInput = Omit<JobRequestInput, 'type' | 'expect' | 'mayChangeNothing'>

const defaultMaxExecutionTimeInSeconds = 3600
const daysAhead = 30
const secondsPerDay = 24 * 60 * 60

/**
 * The requested job, complete: an id is generated when none is given, and a start time in the past becomes now (a
 * client's "now" has always passed on arrival). Throws `QueryConditionError` when the condition does not parse, and
 * `InvalidInputError` with the path of the member for everything else, so that nothing fails later that could have been
 * refused.
 */
export function checkJobRequest(input: JobRequestInput, now: Date, makeId: () => string, limits: Limits): JobRequest {
  const targets = checkTargets(input.targets)
  const rollout = checkRollout(input.rollout, input.type)
  const common = {
    jobId: isLeftOut(input.jobId) ? makeId() : checkJobId(input.jobId),
    queryCondition: checkCondition(input.queryCondition),
    startTime: checkStartTime(input.startTime ?? now, now),
    maxExecutionTimeInSeconds: checkMaxExecutionTime(
      input.maxExecutionTimeInSeconds ?? defaultMaxExecutionTimeInSeconds,
    ),
    expect: isLeftOut(input.expect) ? undefined : checkExpectation(input.expect),
    targets,
    onOverlap: checkOnOverlap(input.onOverlap, targets),
    limits: checkLimits(input.rollout, input.type),
    ...checkNaming(input),
    rollout,
    skipCompliant: checkSkip(input.skipCompliant, input.type),
  }
  switch (input.type) {
    case 'scheduleDeviceMethod': {
      refuseOther(input.updateTwin, 'updateTwin')
      const cloudToDeviceMethod = checkCall(input.cloudToDeviceMethod, limits)
      const { connectTimeoutInSeconds } = cloudToDeviceMethod
      refuseWithContinuous(targets, rollout, connectTimeoutInSeconds)
      return fitting({ ...common, type: input.type, cloudToDeviceMethod })
    }
    case 'scheduleUpdateTwin':
      refuseWithContinuous(targets, rollout)
      refuseOther(input.cloudToDeviceMethod, 'cloudToDeviceMethod')
      return { ...common, type: input.type, updateTwin: checkPatch(input.updateTwin, limits, input) }
  }
}

/** The request, whose window must be longer than its calls may take. */
function fitting(request: JobRequest): JobRequest {
  const window = request.rollout?.window
  if (window !== undefined) requireLongEnough(window, longestCallIn(request), windowPath)
  return request
}

/** Milliseconds that a call of the job may take. */
const longestCallIn = (request: JobRequest): number =>
  request.type === 'scheduleDeviceMethod' ? longestCallOf(request.cloudToDeviceMethod) : longestCallOf(undefined)

/** InvalidInputError when the time of a job is up before its window is opened for the first time: no device would have its turn. */
export function requireTurn(request: JobRequest): void {
  const window = request.rollout?.window
  if (window !== undefined) requireOpening(window, longestCallIn(request), request)
}

/**
 * The job to preview. Every given member is checked as for scheduling; at most one of call and patch may be given.
 * Errors as those of `checkJobRequest`.
 */
export function checkPreviewRequest(input: PreviewRequestInput, now: Date, limits: Limits): PreviewRequest {
  const jobId = isLeftOut(input.jobId) ? undefined : checkJobId(input.jobId)
  const queryCondition = checkCondition(input.queryCondition)
  const startTime = checkStartTime(input.startTime ?? now, now)
  const maxExecutionTimeInSeconds = checkMaxExecutionTime(
    input.maxExecutionTimeInSeconds ?? defaultMaxExecutionTimeInSeconds,
  )
  checkNaming(input)
  const typeOfRollout = isLeftOut(input.updateTwin) ? undefined : 'scheduleUpdateTwin'
  const targets = checkTargets(input.targets)
  const onOverlap = checkOnOverlap(input.onOverlap, targets)
  const rollout = checkRollout(input.rollout, typeOfRollout)
  const { waves = [], window } = rollout ?? {}
  const common = { jobId, queryCondition, startTime, maxExecutionTimeInSeconds, targets, onOverlap, waves, window }
  if (!isLeftOut(input.cloudToDeviceMethod)) {
    if (!isLeftOut(input.updateTwin)) {
      throw new InvalidInputError(['updateTwin'], 'Give cloudToDeviceMethod or updateTwin, not both.')
    }
    const type = 'scheduleDeviceMethod'
    const skipCompliant = checkSkip(input.skipCompliant, type)
    const call = checkCall(input.cloudToDeviceMethod, limits)
    refuseWithContinuous(targets, rollout, call.connectTimeoutInSeconds)
    return previewable({
      ...common,
      type,
      connectTimeoutInSeconds: call.connectTimeoutInSeconds,
      longestCall: longestCallOf(call),
      updateTwin: undefined,
      skipCompliant,
      limits: checkLimits(input.rollout, type),
    })
  }
  refuseWithContinuous(targets, rollout)
  const type = isLeftOut(input.updateTwin) ? undefined : 'scheduleUpdateTwin'
  const skipCompliant = checkSkip(input.skipCompliant, type)
  const updateTwin = type && checkPatch(input.updateTwin, limits)
  return previewable({
    ...common,
    type,
    connectTimeoutInSeconds: 0,
    longestCall: longestCallOf(undefined),
    updateTwin,
    skipCompliant,
    limits: checkLimits(input.rollout, type),
  })
}

/** The request, whose window must be long enough, and must be opened in time. */
function previewable(request: PreviewRequest): PreviewRequest {
  const { window, longestCall } = request
  if (window === undefined) return request
  requireLongEnough(window, longestCall, windowPath)
  requireOpening(window, longestCall, request)
  return request
}

/** An id that a new job may have, unless it is taken. InvalidInputError, which says what the id is of. */
export function checkJobId(value: unknown, path: readonly string[] = ['jobId'], what = 'job id'): string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9-]{1,64}$/.test(value)) {
    throw new InvalidInputError(path, `A ${what} must consist of 1 to 64 ASCII letters, digits and dashes.`)
  }
  // GET /jobs/v2/query is the list of jobs, so a job of that name could not be read there.
  if (value.toLowerCase() === 'query') throw new InvalidInputError(path, `A ${what} must not be "query".`)
  return value
}

/** The text is stored: it is parsed again when the devices are selected. */
function checkCondition(value: unknown): string {
  if (typeof value !== 'string') throw new InvalidInputError(['queryCondition'], 'A query condition must be a string.')
  parseCondition(value)
  return value
}

/** The start time of a job that is requested now. InvalidInputError. */
export function checkStartTime(startTime: Date, now: Date): Date {
  const ahead = startTime.getTime() - now.getTime()
  if (Number.isNaN(ahead)) throw new InvalidInputError(['startTime'], 'The start time must be a valid date and time.')
  if (ahead > daysAhead * secondsPerDay * 1000) {
    throw new InvalidInputError(['startTime'], `A job can be scheduled at most ${daysAhead} days ahead.`)
  }
  return ahead > 0 ? startTime : now
}

/** The max execution time in seconds. InvalidInputError. */
export function checkMaxExecutionTime(value: unknown, path: readonly string[] = ['maxExecutionTimeInSeconds']): number {
  const max = daysAhead * secondsPerDay
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return value
  throw new InvalidInputError(
    path,
    path[0] === 'extendBySeconds'
      ? `extendBySeconds must be a whole number of at least 1, and the max execution time may become ${max} seconds (${daysAhead} days) at most.`
      : `maxExecutionTimeInSeconds must be a whole number from 1 to ${max} (${daysAhead} days).`,
  )
}

function checkCall(value: unknown, limits: Limits): MethodCall {
  const path = ['cloudToDeviceMethod']
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidInputError(path, 'A device method job requires a method.')
  }
  return checkMethodCall(value, path, limits)
}

function checkPatch(
  value: unknown,
  limits: Limits,
  { mayChangeNothing = false }: { mayChangeNothing?: boolean } = {},
): TwinPatch {
  const path = ['updateTwin']
  if (isLeftOut(value)) throw new InvalidInputError(path, 'A twin update job requires a patch.')
  const patch = checkTwinPatch(value, path, limits)
  if (!mayChangeNothing && Object.keys({ ...patch.tags, ...patch.desired }).length === 0) {
    throw new InvalidInputError(path, 'The twin patch is empty: it would change no device.')
  }
  return patch
}

function checkSkip(value: unknown, type: JobType | undefined): boolean {
  const path = ['skipCompliant']
  const isSkipping = !isLeftOut(value) && checkFlag(value, path)
  if (!isSkipping || type === 'scheduleUpdateTwin') return isSkipping
  throw new InvalidInputError(path, 'Only a twin update can skip devices: a method call has no result to compare.')
}

/** `null` members are treated as left out. */
function checkExpectation(value: unknown): JobExpectation {
  const path = ['expect']
  if (typeof value !== 'object' || value === null)
    throw new InvalidInputError(path, 'The expectation must be an object.')
  const { fingerprint, maxDevices }: Readonly<Record<string, unknown>> = { ...value }
  return {
    fingerprint: isLeftOut(fingerprint) ? undefined : checkFingerprint(fingerprint, [...path, 'fingerprint']),
    maxDevices: isLeftOut(maxDevices) ? undefined : checkMaxDevices(maxDevices, [...path, 'maxDevices']),
  }
}

/** In the format of job/store/previews.ts. */
function checkFingerprint(value: unknown, path: readonly string[]): string {
  if (typeof value === 'string' && /^[0-9a-f]{24}$/.test(value)) return value
  throw new InvalidInputError(path, 'A fingerprint must consist of 24 hexadecimal digits, as returned by a preview.')
}

function checkMaxDevices(value: unknown, path: readonly string[]): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value
  throw new InvalidInputError(path, 'maxDevices must be a whole number of at least 0.')
}

function refuseOther(value: unknown, name: string): void {
  if (!isLeftOut(value)) throw new InvalidInputError([name], `A job of this type has no ${name}.`)
}

function isLeftOut(value: unknown): boolean {
  return value === undefined || value === null
}
