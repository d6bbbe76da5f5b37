import type { PreviewCount } from '../../../generated/console/graphql.ts'
import { formatCount, formatDuration, formatMoment } from '../../format.ts'
import { describeOperation } from '../../operation.ts'
import type { Draft } from './draft.ts'
import { secondsOf } from './duration.ts'
import { momentOf } from './moment.ts'
import { type JobRequest, readRequest } from './request.ts'

/** A count as it was found. */
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

/** The same of a draft, whatever else is still wrong with it; undefined when the operation itself cannot be told yet. */
export function describeDraftedAct(draft: Draft): string | undefined {
  const others = {
    condition: '*',
    start: 'now',
    maxTime: '1',
    payload: '',
    responseTimeout: '',
    connectTimeout: '',
  } as const
  const read = readRequest({ ...draft, ...others })
  if (!('request' in read)) return undefined
  const isNothing = read.request.updateTwin && Object.keys(read.request.updateTwin).length === 0
  return isNothing ? undefined : describeAct(read.request)
}

/** The job in one sentence: `Calls reboot on 412 devices (398 connected) now, for at most 1 h.` */
export function describeJob(
  request: JobRequest,
  found: { readonly deviceCount: Count; readonly connectedCount: Count } | undefined,
): string {
  const { startTime, maxExecutionTimeInSeconds } = request
  const devices =
    found === undefined
      ? 'on the devices that meet the condition'
      : `on ${describeDevices(found.deviceCount)} (${describeCount(found.connectedCount)} connected)`
  const when = startTime === undefined ? 'now' : `at ${formatMoment(startTime)}`
  return `${describeAct(request)} ${devices} ${when}, for at most ${formatDuration(maxExecutionTimeInSeconds)}.`
}

/** When a draft is to start, as `now` or a moment; undefined when that is not said yet. */
export function startOf({ start, startAt }: Draft): { readonly moment: string | undefined } | undefined {
  if (start === 'now') return { moment: undefined }
  const moment = momentOf(startAt)
  return moment === undefined ? undefined : { moment }
}

/** How long a draft may take, as text; undefined when that is not said yet. */
export function describeLimit({ maxTime, maxTimeUnit }: Draft): string | undefined {
  const seconds = secondsOf({ amount: maxTime, unit: maxTimeUnit })
  return seconds === undefined ? undefined : formatDuration(seconds)
}

/** What to look at twice before a job is scheduled, the gravest first. */
export function warningsOf(
  { queryCondition, startTime }: JobRequest,
  { deviceCount, overlaps }: { readonly deviceCount: Count; readonly overlaps: readonly unknown[] },
  now: number,
): readonly string[] {
  const isNone = deviceCount.value === 0 && deviceCount.precision === 'EXACT'
  const later =
    startTime === undefined || Date.parse(startTime) <= now ? '' : ' Devices may come to meet it until it starts.'
  return [
    ...(isNone ? [`No device meets the condition now: the job would end at once.${later}`] : []),
    ...(isEveryDevice(queryCondition) && !isNone ? ['This is every device of the hub.'] : []),
    ...(overlaps.length > 0
      ? [
          overlaps.length === 1
            ? 'Another open job touches some of the same devices.'
            : `${formatCount(overlaps.length)} other open jobs touch some of the same devices.`,
        ]
      : []),
    ...(startTime !== undefined && Date.parse(startTime) <= now
      ? ['The time to start has passed: the job starts at once.']
      : []),
  ]
}

/** Whether a condition leaves nobody out. */
export function isEveryDevice(condition: string): boolean {
  return /^\s*(?:\*|from\s+devices)\s*$/i.test(condition)
}
