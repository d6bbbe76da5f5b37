import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { lockOpenJobs, type Settlement, settle } from '../job/store/facts.ts'
import { findJob, findWaitingJobs } from '../job/store/jobs.ts'
import { findOpenTargets } from '../job/store/targets.ts'
import type { TwinPatch } from '../twin/check-patch.ts'
import { patchTwins, publishPatches } from '../twin/commands.ts'
import type { Step } from './loop.ts'
import { publishProgress } from './publish-progress.ts'

/** Twins per transaction: enough to be efficient, few enough that a cancel need not wait long for the job's row. */
const batch = 500

/**
 * Pending → twin patched and settled, in one transaction: the patch takes effect exactly once, even if a process is
 * killed. Jobs take turns, at the pace of the throttle.
 */
export function dispatchTwinUpdates(deps: Deps): Step {
  /** How far each job has been processed. It may be lost: targets with an outcome are not selected again. */
  const cursors = new Map<string, string>()
  /** The job whose turn it was when the throttle was exhausted. */
  let held: string | undefined

  const dispatchBatch = (jobId: string, patch: TwinPatch, limit: number, now: Date): Promise<string[]> =>
    inTransaction(deps, async (tx, afterCommit) => {
      const open = await lockOpenJobs(tx, [jobId], 'running')
      if (!open.has(jobId)) return []
      // Read under the lock, so that two instances never patch the same device for one job.
      const deviceIds = await findOpenTargets(tx, jobId, cursors.get(jobId) ?? '', limit)
      if (deviceIds.length === 0) return []
      const result = await patchTwins(deps, tx, deviceIds, patch, now)
      const settlements: Settlement[] = [
        ...result.deviceIds.map((deviceId) => ({ jobId, deviceId })),
        ...result.refused.map(({ deviceId, error }) => ({
          jobId,
          deviceId,
          error: { code: 'ArgumentInvalid', description: error.message },
        })),
        ...result.missing.map((deviceId) => ({
          jobId,
          deviceId,
          error: { code: 'DeviceNotFound', description: 'The device was deleted before the job reached it.' },
        })),
      ]
      const progress = await settle(tx, settlements, 'pending', now)
      afterCommit(() => {
        publishPatches(deps, result)
        publishProgress(deps, progress)
      })
      const [next] = result.postponed
      return next === undefined ? deviceIds : deviceIds.slice(0, deviceIds.indexOf(next))
    })

  return {
    name: 'dispatch-twin-updates',
    every: 5_000,
    wokenBy: ['started'],
    async run(now) {
      const jobIds = (await findWaitingJobs(deps.db, 'scheduleUpdateTwin')).map(({ id }) => id)
      for (const jobId of cursors.keys()) if (!jobIds.includes(jobId)) cursors.delete(jobId)
      let done = 0
      for (const jobId of startingWith(held, jobIds)) {
        const job = await findJob(deps.db, jobId)
        if (job?.type !== 'scheduleUpdateTwin') continue
        const { granted, next } = deps.throttles.pace(batch)
        if (granted === 0) {
          held = jobId
          return { done, full: false, next }
        }
        let deviceIds: string[] = []
        try {
          deviceIds = await dispatchBatch(jobId, job.request, granted, now)
        } finally {
          deps.throttles.giveBack(granted - deviceIds.length)
        }
        done += deviceIds.length
        // After the last page it starts again from the beginning, in case any were missed.
        cursors.set(jobId, deviceIds.at(-1) ?? '')
      }
      return { done, full: done > 0 }
    },
  }
}

function startingWith(jobId: string | undefined, jobIds: readonly string[]): string[] {
  const first = jobId === undefined ? 0 : Math.max(jobIds.indexOf(jobId), 0)
  return [...jobIds.slice(first), ...jobIds.slice(0, first)]
}
