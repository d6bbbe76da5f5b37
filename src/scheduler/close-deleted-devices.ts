import type { Deps } from '../deps.ts'
import { type AttemptKey, findCallsOfTheGone, findWaitingForTheGone, type SettledFrom } from '../job/store/facts.ts'
import { createJobByJob } from './job-by-job.ts'
import type { Step } from './loop.ts'
import { settleBatch } from './settle-batch.ts'

/**
 * Device deleted while method jobs waited for it or for its answer → failed, instead of waiting until the end of the
 * job, even if a new device has the same id by now: the job did not select it. No message of that device can then count as the
 * answer. The step depends on events; a deletion that it missed costs that wait only.
 */
export function closeDeletedDevices(deps: Deps): Step & { close(): void } {
  const name = 'close-deleted-devices'
  const jobs = createJobByJob(deps, name)
  const changed = new Set<string>()
  const stopListening = deps.events.listen('identity')(({ deviceId }) => {
    changed.add(deviceId)
    deps.events.publish('work', 'identities', {})
  })

  const fail = async (
    keys: readonly AttemptKey[],
    from: SettledFrom,
    description: string,
    now: Date,
  ): Promise<readonly AttemptKey[]> => {
    if (keys.length === 0) return []
    const settlements = keys.map((key) => ({ ...key, error: { code: 'DeviceNotFound', description } }))
    return settleBatch(deps, jobs, settlements, { from, now })
  }

  return {
    name,
    every: 60_000,
    wokenBy: ['identities'],
    async run(now) {
      if (changed.size === 0) return { done: 0, full: false }
      const deviceIds = [...changed]
      const waiting = await findWaitingForTheGone(deps.db, deviceIds)
      const called = await findCallsOfTheGone(deps.db, deviceIds)
      const left = [
        ...(await fail(waiting, 'pending', 'The device was deleted before the job reached it.', now)),
        ...(await fail(called, 'running', 'The call was sent, but the device was deleted before it answered.', now)),
      ]
      for (const deviceId of deviceIds) changed.delete(deviceId)
      // For jobs whose outcomes cannot be written.
      for (const { deviceId } of left) changed.add(deviceId)
      return { done: waiting.length + called.length - left.length, full: false }
    },
    close: stopListening,
  }
}
