import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { findExistingIds } from '../device/store.ts'
import { findWaiting, lockOpenJobs, settle } from '../job/fact-store.ts'
import type { Step } from './loop.ts'
import { tellProgress } from './tell-progress.ts'

/**
 * Deleted while method jobs waited for it → failed, rather than waited for until the end of the job. It goes by events,
 * so a deletion that it missed costs no more than that wait.
 */
export function closeDeletedDevices(deps: Deps): Step & { close(): Promise<void> } {
  const changed = new Set<string>()
  const identities = deps.events.subscribe('identity')[Symbol.asyncIterator]()
  const follow = async (): Promise<void> => {
    for (let next = await identities.next(); !next.done; next = await identities.next()) {
      changed.add(next.value.deviceId)
      deps.events.publish('work', 'identities', {})
    }
  }
  const followed = follow()

  return {
    name: 'close-deleted-devices',
    every: 60_000,
    wokenBy: ['identities'],
    async run(now) {
      if (changed.size === 0) return { done: 0, full: false }
      const deviceIds = [...changed]
      const existing = await findExistingIds(deps.db, deviceIds)
      const waiting = await findWaiting(
        deps.db,
        deviceIds.filter((deviceId) => !existing.has(deviceId)),
      )
      const error = { code: 'DeviceNotFound', description: 'The device was deleted before its turn came.' }
      if (waiting.length > 0) {
        await inTransaction(deps, async (tx, afterCommit) => {
          const open = await lockOpenJobs(
            tx,
            waiting.map((key) => key.jobId),
            'running',
          )
          const settlements = waiting.map((key) => ({ ...key, error }))
          const progress = await settle(tx, open, settlements, 'pending', now)
          afterCommit(() => tellProgress(deps, progress))
        })
      }
      for (const deviceId of deviceIds) changed.delete(deviceId)
      return { done: waiting.length, full: false }
    },
    async close() {
      await identities.return?.()
      await followed
    },
  }
}
