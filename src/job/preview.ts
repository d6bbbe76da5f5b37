import { ExpectationFailedError } from '../errors.ts'
import { printPath } from '../query/path.ts'
import { leavesOf, type PatchLeaf } from '../twin/compliance.ts'
import type { TwinPatch } from '../twin/limits.ts'
import type { JobExpectation } from './request.ts'

/** An honest count: `atLeast` when counting was given up before its end. */
export type PreviewCount = { readonly value: number; readonly precision: 'exact' | 'atLeast' }

/** An open job that touches devices of the one that is thought of, and the paths that both patch. */
export type JobOverlap = {
  readonly jobId: string
  readonly deviceCount: PreviewCount
  readonly propertyPaths: readonly string[]
}

/** What a job would meet if it started now. Null is what is not known, or for `compliantCount` makes no sense. */
export type JobPreview = {
  readonly deviceCount: PreviewCount
  readonly connectedCount: PreviewCount
  readonly compliantCount: PreviewCount | null
  /** The first of the devices, by id. */
  readonly deviceIds: readonly string[]
  readonly overlaps: readonly JobOverlap[]
  readonly expectedDurationInSeconds: number | null
  readonly fingerprint: string | null
}

/** The devices that meet a condition, as far as they can be expected. */
export type DeviceSet = { readonly deviceCount: number; readonly fingerprint: string }

/** Throws `ExpectationFailedError` unless the devices are as they are expected to be. */
export function requireExpected(expect: JobExpectation, { deviceCount, fingerprint }: DeviceSet): void {
  const { maxDevices } = expect
  if (maxDevices !== undefined && deviceCount > maxDevices) {
    throw new ExpectationFailedError(tooManyDevices(deviceCount, maxDevices), deviceCount, fingerprint)
  }
  if (expect.fingerprint !== undefined && expect.fingerprint !== fingerprint) {
    const message = `The condition selects other devices than it did: ${devices(deviceCount)} now. Look at a new preview.`
    throw new ExpectationFailedError(message, deviceCount, fingerprint)
  }
}

/** Says so, for people. */
export const tooManyDevices = (deviceCount: number, maxDevices: number): string =>
  `The condition selects ${devices(deviceCount)}, and the job was expected to have at most ${maxDevices}.`

const devices = (count: number): string => `${count} device${count === 1 ? '' : 's'}`

/** The open jobs that touch the same devices, or may. Two calls of methods, or one and a patch, meet at no path. */
export function overlapsOf(
  openJobs: readonly { readonly id: string; readonly patch: TwinPatch | null }[],
  counts: ReadonlyMap<string, PreviewCount>,
  patch: TwinPatch | undefined,
): JobOverlap[] {
  return openJobs.flatMap((job) => {
    const deviceCount = counts.get(job.id)
    if (deviceCount === undefined || (deviceCount.value === 0 && deviceCount.precision === 'exact')) return []
    const propertyPaths = patch === undefined || job.patch === null ? [] : commonPaths(patch, job.patch)
    return { jobId: job.id, deviceCount, propertyPaths }
  })
}

/**
 * Where two patches meet, as conditions write it: `properties.desired.interval`. A patch of `tags.a` meets one of
 * `tags.a.b` there, at the longer of the two.
 */
export function commonPaths(one: TwinPatch, other: TwinPatch): string[] {
  const [ones, others] = [leavesOf(one), leavesOf(other)]
  const met = new Map([...leavesUnder(ones, others), ...leavesUnder(others, ones)].map((path) => [keyOf(path), path]))
  return [...met.values()].map((path) => printPath(path) ?? path.join('.')).sort()
}

/** The paths of `leaves` at or below which one of `roots` begins. In linear time: patches may be large. */
function leavesUnder(leaves: readonly PatchLeaf[], roots: readonly PatchLeaf[]): (readonly string[])[] {
  const keys = new Set(roots.map(({ path }) => keyOf(path)))
  return leaves
    .map(({ path }) => path)
    .filter((path) => path.some((_, index) => keys.has(keyOf(path.slice(0, index + 1)))))
}

const keyOf = (path: readonly string[]): string => JSON.stringify(path)

/** A job that has ended: on how many devices it was done or failed, and how long it ran. */
export type PastJob = { readonly deviceCount: number; readonly seconds: number }

/**
 * How many device jobs ended a second when half of the devices of these jobs were served at least so fast: neither a job
 * of a single device nor one that waited long for a few has much to say. Undefined without jobs.
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

/**
 * The seconds that a job would run: as long as its devices take at the slowest of the `paces` that are known (devices a
 * second), but never beyond its maximum execution time. Null when no pace is known, or not how many devices there are.
 */
export function expectedSeconds(
  { value, precision }: PreviewCount,
  paces: readonly (number | undefined)[],
  maxExecutionTimeInSeconds: number,
): number | null {
  const known = paces.filter((pace) => pace !== undefined)
  if (precision !== 'exact' || known.length === 0) return null
  return Math.min(value / Math.min(...known), maxExecutionTimeInSeconds)
}
