import { ExpectationFailedError } from '../errors.ts'
import { printPath } from '../query/path.ts'
import type { TwinPatch } from '../twin/check-patch.ts'
import { leavesOf, type PatchLeaf } from '../twin/compliance.ts'
import { blocksStart } from './on-overlap.ts'
import { type Rate, stagesOf } from './ramp.ts'
import type { JobExpectation, PreviewRequest } from './request.ts'
import { afterOpenTime, type OpenTime, onlyZone, openTimesFrom } from './time-window.ts'

/** A count with its precision: `atLeast` when counting was stopped before its end. */
export type PreviewCount = { readonly value: number; readonly precision: 'exact' | 'atLeast' }

/** An open job on some of the devices of the previewed one, and the paths that both patch. */
export type JobOverlap = {
  readonly jobId: string
  readonly deviceCount: PreviewCount
  readonly propertyPaths: readonly string[]
  /** Whether it keeps the previewed one from starting. */
  readonly blocksStart: boolean
}

/** What a job would select and meet if it started now. Null is unknown; for `compliantCount` also not applicable. */
export type JobPreview = {
  readonly deviceCount: PreviewCount
  readonly connectedCount: PreviewCount
  readonly compliantCount: PreviewCount | null
  /** The first devices, by id. */
  readonly deviceIds: readonly string[]
  readonly overlaps: readonly JobOverlap[]
  readonly expectedDurationInSeconds: number | null
  readonly shortestDurationInSeconds: number | null
  /** The sizes of the waves; an empty list without waves. */
  readonly waveSizes: readonly number[] | null
  /** The next times at which its calls may begin; an empty list without a time window. */
  readonly openTimes: readonly OpenTime[]
  readonly maxOfflineWaitInSeconds: number | null
  readonly fingerprint: string | null
}

/** The devices that meet a condition, in the form that a client can expect. */
export type DeviceSet = { readonly deviceCount: number; readonly fingerprint: string }

/** Throws `ExpectationFailedError` unless the devices match the expectation. */
export function requireExpected(expect: JobExpectation, { deviceCount, fingerprint }: DeviceSet): void {
  const { maxDevices } = expect
  if (maxDevices !== undefined && deviceCount > maxDevices) {
    throw new ExpectationFailedError(tooManyDevices(deviceCount, maxDevices), deviceCount, fingerprint)
  }
  if (expect.fingerprint !== undefined && expect.fingerprint !== fingerprint) {
    const message = `The condition now selects different devices: ${devices(deviceCount)}. Request a new preview.`
    throw new ExpectationFailedError(message, deviceCount, fingerprint)
  }
}

/** The same as a sentence for users. */
export const tooManyDevices = (deviceCount: number, maxDevices: number): string =>
  `${devices(deviceCount)} ${deviceCount === 1 ? 'matches' : 'match'}; this job is limited to ${maxDevices}.`

const devices = (count: number): string => `${count} device${count === 1 ? '' : 's'}`

/** An open job, as far as another one needs to know it. */
type OverlappingJob = {
  readonly id: string
  readonly patch: TwinPatch | null
  readonly startTime: Date
  readonly startedTime: Date | null
  readonly deadline: Date
}

/**
 * The open jobs that select, or may select, some of the same devices. Two method calls, or a call and a patch, have no
 * path in common.
 */
export function overlapsOf(
  openJobs: readonly OverlappingJob[],
  counts: ReadonlyMap<string, PreviewCount>,
  {
    updateTwin: patch,
    onOverlap,
    ...times
  }: Pick<PreviewRequest, 'updateTwin' | 'onOverlap' | 'startTime' | 'maxExecutionTimeInSeconds'>,
): JobOverlap[] {
  return openJobs.flatMap((job) => {
    const deviceCount = counts.get(job.id)
    if (deviceCount === undefined || (deviceCount.value === 0 && deviceCount.precision === 'exact')) return []
    const propertyPaths = patch === undefined || job.patch === null ? [] : commonPaths(patch, job.patch)
    const blocks = deviceCount.value > 0 && blocksStart(onOverlap, times, job)
    return { jobId: job.id, deviceCount, propertyPaths, blocksStart: blocks }
  })
}

/**
 * The paths that both patches write, as in conditions: `properties.desired.interval`. Patches of `tags.a` and
 * `tags.a.b` overlap at the longer path.
 */
export function commonPaths(one: TwinPatch, other: TwinPatch): string[] {
  const [ones, others] = [leavesOf(one), leavesOf(other)]
  const met = new Map([...leavesUnder(ones, others), ...leavesUnder(others, ones)].map((path) => [keyOf(path), path]))
  return [...met.values()].map((path) => printPath(path) ?? path.join('.')).sort()
}

/** The paths of `leaves` that are equal to or below one of `roots`. In linear time: patches may be large. */
function leavesUnder(leaves: readonly PatchLeaf[], roots: readonly PatchLeaf[]): (readonly string[])[] {
  const keys = new Set(roots.map(({ path }) => keyOf(path)))
  return leaves
    .map(({ path }) => path)
    .filter((path) => path.some((_, index) => keys.has(keyOf(path.slice(0, index + 1)))))
}

const keyOf = (path: readonly string[]): string => JSON.stringify(path)

/** An ended job: the number of devices that completed or failed, and its duration. */
export type PastJob = { readonly deviceCount: number; readonly seconds: number }

/**
 * The rate, in ended device jobs per second, that was reached for half of the devices of these jobs. Weighted by
 * devices, so that neither a job of a single device nor one that waited long for a few counts much. Undefined without
 * jobs.
 */
export function typicalPace(jobs: readonly PastJob[]): number | undefined {
  const byPace = jobs
    .filter(({ deviceCount }) => deviceCount > 0)
    .map(({ deviceCount, seconds }) => ({ deviceCount, pace: deviceCount / Math.max(seconds, 0.001) }))
    .sort((a, b) => b.pace - a.pace)
  const half = byPace.reduce((sum, { deviceCount }) => sum + deviceCount, 0) / 2
  let counted = 0
  return byPace.find(({ deviceCount }) => {
    counted += deviceCount
    return counted >= half
  })?.pace
}

/** The devices that a job would change: those that it would skip have nothing to do. */
export function changedIn(
  { deviceCount, compliantCount }: Pick<JobPreview, 'deviceCount' | 'compliantCount'>,
  { skipCompliant }: Pick<PreviewRequest, 'skipCompliant'>,
): PreviewCount {
  if (!skipCompliant || compliantCount === null) return deviceCount
  return { ...deviceCount, value: deviceCount.value - compliantCount.value }
}

/**
 * The expected duration of a job in seconds: the devices that it can process now at the slowest known rate in `paces`
 * (devices/s), or at its own if that is slower, at most its max execution time. With a ramp, every device is expected to succeed. Null
 * when no rate is known, or when the number of devices is unknown.
 */
export function expectedSeconds(
  { value, precision }: PreviewCount,
  paces: readonly (number | undefined)[],
  rate: Rate,
  maxExecutionTimeInSeconds: number,
): number | null {
  const known = paces.filter((pace) => pace !== undefined)
  if (precision !== 'exact' || (known.length === 0 && rate.maxPerMinute === null)) return null
  const seconds = stagesOf(rate, 0, value).map(
    ({ devices, perMinute }) => devices / Math.min(...known, ...(perMinute === null ? [] : [perMinute / 60])),
  )
  return Math.min(
    seconds.reduce((sum, each) => sum + each, 0),
    maxExecutionTimeInSeconds,
  )
}

/**
 * How long a job may wait for devices that are not connected, in seconds; null when it has to wait for none: all are
 * connected, or it does not call a method.
 */
export function offlineWaitOf(
  { type, connectTimeoutInSeconds, maxExecutionTimeInSeconds }: PreviewRequest,
  { deviceCount, connectedCount }: Pick<JobPreview, 'deviceCount' | 'connectedCount'>,
): number | null {
  if (type !== 'scheduleDeviceMethod') return null
  if (deviceCount.precision === 'exact' && deviceCount.value === connectedCount.value) return null
  return connectTimeoutInSeconds === 0
    ? maxExecutionTimeInSeconds
    : Math.min(connectTimeoutInSeconds, maxExecutionTimeInSeconds)
}

/** Windows that a preview shows. */
const previewedWindows = 3

/** The next times at which calls of a job may begin; an empty list when that depends on the zones of its devices. */
export const nextOpenTimes = ({ window, startTime, longestCall }: PreviewRequest): readonly OpenTime[] => {
  const timeZone = window && onlyZone(window)
  return window === undefined || timeZone === undefined
    ? []
    : openTimesFrom(window, timeZone, startTime, longestCall, previewedWindows)
}

/** The expected duration of a job that works in its window only, at most its max execution time. Null with the zones of devices. */
export function secondsInWindow(request: PreviewRequest, seconds: number | null): number | null {
  const { window, startTime, longestCall, maxExecutionTimeInSeconds } = request
  if (window === undefined || seconds === null) return seconds
  const timeZone = onlyZone(window)
  if (timeZone === undefined) return null
  const latest = new Date(startTime.getTime() + maxExecutionTimeInSeconds * 1_000)
  const work = { from: startTime, milliseconds: seconds * 1_000, latest }
  return (afterOpenTime(window, timeZone, work, longestCall).getTime() - startTime.getTime()) / 1_000
}
