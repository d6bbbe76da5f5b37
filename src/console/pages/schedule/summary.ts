import type { JobRolloutInput, PreviewCount, WaveInput } from '../../../generated/console/graphql.ts'
import { formatCount, formatDevices, formatDuration, formatMinute } from '../../format.ts'
import { momentOf } from '../../local-time.ts'
import { describeOperation } from '../../operation.ts'
import { readInt } from '../../read-number.ts'
import { describeLimits, describeRule } from '../../rollout-words.ts'
import { type Draft, emptyDraft } from './draft.ts'
import { secondsOf } from './duration.ts'
import { type JobRequest, readRequest } from './request.ts'

/** A count, exact or a lower bound. */
export type Count = Pick<PreviewCount, 'value' | 'precision'>

/** `412`, `at least 10,000`, `an unknown number` */
export function describeCount({ value, precision }: Count): string {
  if (precision === 'EXACT') return formatCount(value)
  return value === 0 ? 'an unknown number' : `at least ${formatCount(value)}`
}

/** `412 devices`, `1 device`, `at least 10,000 devices`, `an unknown number of devices` */
export function describeDevices(count: Count): string {
  const of = count.precision === 'AT_LEAST' && count.value === 0 ? ' of' : ''
  return `${describeCount(count)}${of} ${count.value === 1 ? 'device' : 'devices'}`
}

/** What the operation does, as the beginning of a sentence: `Calls reboot`, `Changes tags.site`. */
function describeAct({ cloudToDeviceMethod: method, updateTwin }: JobRequest): string {
  return method ? `Calls ${method.methodName}` : `Changes ${describeOperation({ updateTwin })}`
}

/** The same for a draft, even if other fields are wrong; undefined if the operation itself cannot be read. */
export function describeDraftedAct({ operation, methodName, tags, desired }: Draft): string | undefined {
  const read = readRequest({ ...emptyDraft, condition: '*', operation, methodName, tags, desired })
  if (!('request' in read)) return undefined
  const isNothing = read.request.updateTwin && Object.keys(read.request.updateTwin).length === 0
  return isNothing ? undefined : describeAct(read.request)
}

/** The job in one sentence: `Calls reboot on 412 devices (398 connected) now, for up to 1 h.` */
export function describeJob(
  request: JobRequest,
  found: { readonly deviceCount: Count; readonly connectedCount: Count } | undefined,
): string {
  const { startTime, maxExecutionTimeInSeconds, targets } = request
  const devices =
    found === undefined
      ? 'on the matching devices'
      : `on ${describeDevices(found.deviceCount)} (${describeCount(found.connectedCount)} connected)`
  const when = startTime === undefined ? 'now' : `at ${formatMinute(startTime)}`
  const limit = formatDuration(maxExecutionTimeInSeconds)
  const rest = targets === 'CONTINUOUS' ? ` and on each that starts to match, for ${limit}` : `, for up to ${limit}`
  return `${describeAct(request)} ${devices} ${when}${rest}.`
}

/**
 * How long a job may take: `About 6 s for 49 devices; up to 1 h for 1 that is offline`. Only the first part where it
 * waits for no device.
 */
export function describeExpectedTime({
  deviceCount,
  connectedCount,
  expectedDurationInSeconds: seconds,
  maxOfflineWaitInSeconds: wait,
}: {
  readonly deviceCount: Count
  readonly connectedCount: Count
  readonly expectedDurationInSeconds: number | null
  readonly maxOfflineWaitInSeconds: number | null
}): string {
  const time = seconds === null ? 'Unknown' : seconds < 1 ? 'Less than 1 s' : `About ${formatDuration(seconds)}`
  if (wait === null) return time
  const limit = formatDuration(wait)
  if (deviceCount.precision !== 'EXACT') return `${time}; up to ${limit} for devices that are offline`
  const offline = deviceCount.value - connectedCount.value
  if (connectedCount.value === 0) return `Up to ${limit}, because no device is connected`
  return `${time} for ${describeDevices(connectedCount)}; up to ${limit} for ${formatCount(offline)} that ${
    offline === 1 ? 'is' : 'are'
  } offline`
}

/**
 * The limits, waves and rules of a request, each in words: `At most 600 devices per minute`, `Pause when 3 % failed`. The
 * sizes are those of the waves, where they are known.
 */
export function describeRollout(
  { abort, approval, waves, ...limits }: JobRolloutInput,
  sizes?: readonly number[] | null,
): readonly string[] {
  return [
    ...(approval ? ['Starts when somebody else has approved it'] : []),
    ...describeLimits(limits),
    ...(waves ?? []).map((wave, index) => describeWave(wave, index, sizes?.[index])),
    ...(abort ?? []).map(({ afterDevices, ...rule }) => describeRule({ ...rule, afterDevices: afterDevices ?? 1 })),
  ]
}

/** `Wave 1: 5 % of the devices (25). The next opens 10 min after 90 % succeeded. The job is paused if fewer succeed` */
function describeWave({ devices, percent, queryCondition, gate }: WaveInput, index: number, size?: number): string {
  const what =
    devices != null
      ? formatDevices(devices)
      : percent != null
        ? `${percent} % of the devices`
        : queryCondition != null
          ? `devices with ${queryCondition}`
          : 'the rest'
  const known = size === undefined || devices === size ? '' : ` (${formatCount(size)})`
  const wave = `Wave ${index + 1}: ${what}${known}`
  if (!gate) return wave
  const { succeededPercent, soakSeconds, approval, onFailure } = gate
  const passed = succeededPercent == null ? 'all have finished' : `${succeededPercent} % succeeded`
  const moment = soakSeconds ? `${formatDuration(soakSeconds)} after ${passed}` : `when ${passed}`
  const failed =
    succeededPercent == null ? '' : `. The job is ${onFailure === 'CANCEL' ? 'cancelled' : 'paused'} if fewer succeed`
  return `${wave}. The next opens ${moment}${approval ? ', if somebody else approves' : ''}${failed}`
}

/** `600 per minute`, `10 to 600 per minute` */
const describeRate = (from: number | undefined, maxPerMinute: number): string =>
  `${from === undefined ? '' : `${formatCount(from)} to `}${formatCount(maxPerMinute)} per minute`

/** The limits and the number of rules of a draft in a few words, as far as they can be read. */
export function describeDraftedPace({
  maxPerMinute,
  rampFrom,
  maxConcurrent,
  budgetGroupBy,
  budgetMaxConcurrent,
  retryAttempts,
  abort,
  approval,
  waves,
  operation,
  windowFrom,
  windowTo,
}: Draft): string {
  const [from, rate] = [readInt(rampFrom), readInt(maxPerMinute)]
  const [calls, callsInGroup, attempts] =
    operation === 'method' ? [maxConcurrent, budgetMaxConcurrent, retryAttempts].map(readInt) : []
  const path = budgetGroupBy.trim()
  const parts = [
    ...(rate === undefined ? [] : [describeRate(from, rate)]),
    ...(calls === undefined ? [] : [`${formatCount(calls)} in progress`]),
    ...(callsInGroup === undefined || path === '' ? [] : [`${formatCount(callsInGroup)} in progress per ${path}`]),
    ...(attempts === undefined ? [] : [`up to ${formatCount(attempts)} attempts`]),
    ...(windowFrom.trim() === '' ? [] : [`${windowFrom.trim()} to ${windowTo.trim()}`]),
    ...(approval ? ['needs approval'] : []),
    ...(waves.length === 0 ? [] : [`${waves.length + 1} waves`]),
    ...(abort.length === 0 ? [] : [`${abort.length} abort ${abort.length === 1 ? 'rule' : 'rules'}`]),
  ]
  return parts.join(' · ') || 'No limits, no abort rules'
}

/** Whether a draft has limits or rules that count for its operation. */
export function isPaced({ abort, approval, waves, operation, ...draft }: Draft): boolean {
  const ofCalls = [draft.maxConcurrent, draft.budgetGroupBy, draft.budgetMaxConcurrent, draft.retryAttempts]
  const texts = [
    draft.maxPerMinute,
    draft.rampFrom,
    draft.windowFrom,
    draft.windowTo,
    ...(operation === 'method' ? ofCalls : []),
  ]
  return texts.some((text) => text.trim() !== '') || abort.length > 0 || waves.length > 0 || approval
}

/** The name and the labels of a draft in a few words. */
export function describeDraftedNaming({ name, labels }: Draft): string {
  const parts = [
    ...(name.trim() === '' ? [] : [name.trim()]),
    ...labels.filter((label) => label.name.trim() !== '').map((label) => `${label.name.trim()}=${label.value}`),
  ]
  return parts.join(' · ') || 'No name, no labels'
}

/**
 * The shortest time that the rate allows: `10,000 devices at 600 per minute: at least 16 min 54 s`. Undefined without a
 * rate.
 */
export function describeShortestTime(
  { rollout }: JobRequest,
  {
    deviceCount,
    shortestDurationInSeconds: seconds,
  }: { readonly deviceCount: Count; readonly shortestDurationInSeconds: number | null },
): string | undefined {
  if (rollout?.maxPerMinute == null || seconds === null) return undefined
  const pace = `${describeDevices(deviceCount)} at ${describeRate(rollout.ramp?.from, rollout.maxPerMinute)}`
  return `${pace}: ${seconds < 1 ? 'less than 1 s' : `at least ${formatDuration(seconds)}`}`
}

/** When a draft starts: now, or at a moment; undefined if that is not set. */
export function startOf({ start, startAt }: Draft): { readonly moment: string | undefined } | undefined {
  if (start === 'now') return { moment: undefined }
  const moment = momentOf(startAt)
  return moment === undefined ? undefined : { moment }
}

/** The time limit of a draft, as text; undefined if it is not set. */
export function describeLimit({ maxTime, maxTimeUnit }: Draft): string | undefined {
  const seconds = secondsOf({ amount: maxTime, unit: maxTimeUnit })
  return seconds === undefined ? undefined : formatDuration(seconds)
}

/** What to check before a job is scheduled, the most serious first. */
export function warningsOf(
  { queryCondition, targets, startTime, maxExecutionTimeInSeconds }: JobRequest,
  {
    deviceCount,
    overlaps,
    shortestDurationInSeconds: shortest,
  }: {
    readonly deviceCount: Count
    readonly overlaps: readonly unknown[]
    readonly shortestDurationInSeconds: number | null
  },
  now: number,
): readonly string[] {
  const isNone = deviceCount.value === 0 && deviceCount.precision === 'EXACT'
  const isLater = startTime !== undefined && Date.parse(startTime) > now && targets === undefined
  const then =
    targets === 'CONTINUOUS'
      ? 'the job would wait for devices that start to match.'
      : `the job would end immediately.${isLater ? ' Devices may still match when it starts.' : ''}`
  return [
    ...(isNone ? [`No devices match now: ${then}`] : []),
    ...(isEveryDevice(queryCondition) && !isNone ? ['This job targets every device of the hub.'] : []),
    ...(shortest !== null && shortest > maxExecutionTimeInSeconds
      ? [
          `At this rate, the job needs at least ${formatDuration(shortest)}, but its time limit is ${formatDuration(maxExecutionTimeInSeconds)}. Devices that have not had their turn by then fail.`,
        ]
      : []),
    ...(overlaps.length > 0
      ? [
          overlaps.length === 1
            ? '1 other active job targets some of these devices.'
            : `${formatCount(overlaps.length)} other active jobs target some of these devices.`,
        ]
      : []),
    ...(startTime !== undefined && Date.parse(startTime) <= now
      ? ['The start time has passed: the job starts immediately.']
      : []),
  ]
}

/** Whether a condition selects every device. */
export function isEveryDevice(condition: string): boolean {
  return /^\s*(?:\*|from\s+devices)\s*$/i.test(condition)
}
