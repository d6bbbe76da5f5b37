import type { Deps } from '../deps.ts'
import { printGroup } from '../job/budget.ts'
import { firstFailureStatus } from '../job/state.ts'
import type { JobProgress, Settlement } from '../job/store/facts.ts'

/**
 * After outcomes were committed: notifies subscribers of the jobs, has jobs without open device jobs finished, the gates of
 * waves judged and the next devices of groups called, and counts the outcomes.
 */
export function publishProgress(
  deps: Pick<Deps, 'events' | 'metrics'>,
  settlements: readonly Settlement[],
  progress: readonly JobProgress[],
): void {
  for (const { jobId } of progress) deps.events.jobChanged(jobId)
  publishRoom(deps, progress)
  if (progress.some(({ open }) => open === 0)) deps.events.publish('work', 'settled', {})
  if (progress.some(({ hasWaves }) => hasWaves)) deps.events.publish('work', 'waves', {})
  if (progress.some(({ repeated }) => repeated !== undefined)) deps.events.publish('work', 'attempts', {})
  if (deps.metrics !== undefined) countOutcomes(deps.metrics, settlements, progress)
}

/** Notifies the instances that there is room in these groups of jobs with a budget. */
export function publishRoom(
  { events }: Pick<Deps, 'events'>,
  freed: readonly { readonly jobId: string; readonly freedGroups?: readonly string[] }[],
): void {
  const groups = freed.flatMap(({ jobId, freedGroups = [] }) => freedGroups.map((group) => printGroup(jobId, group)))
  if (groups.length > 0) events.publish('budgetGroups', { groups })
}

function countOutcomes(
  metrics: NonNullable<Deps['metrics']>,
  settlements: readonly Settlement[],
  progress: readonly JobProgress[],
): void {
  // Outcomes of jobs that have ended were not written.
  const changed = new Set(progress.map(({ jobId }) => jobId))
  const isRepeated = repeatedIn(progress)
  const failed = new Map<string, number>()
  let succeeded = 0
  let refused = 0
  for (const { jobId, deviceId, response, error } of settlements) {
    if (!changed.has(jobId) || isRepeated(jobId, deviceId)) continue
    if (error !== undefined) failed.set(error.code, (failed.get(error.code) ?? 0) + 1)
    else if ((response?.status ?? 0) >= firstFailureStatus) refused++
    else succeeded++
  }
  if (succeeded > 0) metrics.count('twincast_device_jobs_total', { outcome: 'succeeded', code: '' }, succeeded)
  if (refused > 0) metrics.count('twincast_device_jobs_total', { outcome: 'refused', code: '' }, refused)
  for (const [code, count] of failed) metrics.count('twincast_device_jobs_total', { outcome: 'failed', code }, count)
}

/** Which calls of a batch have no outcome, because they are repeated. */
function repeatedIn(progress: readonly JobProgress[]): (jobId: string, deviceId: string) => boolean {
  const repeated = new Map(
    progress.flatMap(({ jobId, repeated: devices }) => (devices === undefined ? [] : [[jobId, new Set(devices)]])),
  )
  return (jobId, deviceId) => repeated.get(jobId)?.has(deviceId) ?? false
}
