import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { findDisabledIds } from '../device/store.ts'
import {
  type DeviceJobKey,
  findExpired,
  findPending,
  lockOpenJobs,
  type Settlement,
  settle,
} from '../job/fact-store.ts'
import { countUnderWay, findConnectExpiredJobIds } from '../job/store.ts'
import type { Step } from './loop.ts'
import { tellProgress } from './tell-progress.ts'
import type { Window } from './window.ts'

const BATCH = 1_000
/** Milliseconds between looks for calls whose process is gone. */
const ORPHAN_INTERVAL = 5_000

const noAnswer = { code: 'GatewayTimeout', description: 'The device had the call and did not answer in time.' }
const withoutAnswer = ({ jobId, deviceId }: DeviceJobKey): Settlement => ({ jobId, deviceId, error: noAnswer })
const notOnline = {
  code: 'DeviceNotOnline',
  description: 'The device did not connect and subscribe to methods within the connect timeout.',
}

const isDisabled = { code: 'DeviceDisabled', description: 'The device is disabled, so it could not connect.' }

/** Past its deadline without an answer → failed, and never sent again; not there within the connect timeout → failed. */
export function expireDeviceJobs(deps: Deps, { window }: { readonly window: Window }): Step {
  let lookedForOrphans = new Date(0)

  const fail = (failures: readonly Settlement[], from: 'running' | 'pending', now: Date): Promise<void> =>
    inTransaction(deps, async (tx, afterCommit) => {
      const open = await lockOpenJobs(
        tx,
        failures.map(({ jobId }) => jobId),
        // In a cancelled job nobody waits any more.
        from === 'pending' ? 'running' : undefined,
      )
      const progress = await settle(tx, open, failures, from, now)
      afterCommit(() => tellProgress(deps, progress))
    })

  /** The calls of this process are known here: the table of marks is not searched for them. */
  const expireOwn = async (now: Date): Promise<number> => {
    const expired = window.expired(now, BATCH)
    if (expired.length === 0) return 0
    await fail(expired.map(withoutAnswer), 'running', now)
    for (const { requestId } of expired) window.remove(requestId)
    return expired.length
  }

  /** Calls of a process that was killed, this one's last run for instance: looked for only while there are any. */
  const expireOrphans = async (now: Date): Promise<number> => {
    if (now.getTime() - lookedForOrphans.getTime() < ORPHAN_INTERVAL) return 0
    lookedForOrphans = now
    if ((await countUnderWay(deps.db)) <= window.size) return 0
    const expired = await findExpired(deps.db, now, BATCH)
    if (expired.length > 0) await fail(expired.map(withoutAnswer), 'running', now)
    if (expired.length === BATCH) lookedForOrphans = new Date(0)
    return expired.length
  }

  const expireConnecting = async (now: Date): Promise<number> => {
    const { instanceId } = deps.lease
    let count = 0
    for (const jobId of await findConnectExpiredJobIds(deps.db, now)) {
      let after: string | undefined = ''
      while (after !== undefined) {
        const deviceIds: string[] = await findPending(deps.db, jobId, { instanceId, after, limit: BATCH })
        after = deviceIds.length === BATCH ? deviceIds.at(-1) : undefined
        // A device that is here has connected in time; its turn is only yet to come.
        const away = deviceIds.filter((deviceId) => !deps.sessions.reaches(deviceId))
        const disabled = away.length > 0 ? await findDisabledIds(deps.db, away) : new Set()
        const failures = away.map((deviceId) => ({
          jobId,
          deviceId,
          error: disabled.has(deviceId) ? isDisabled : notOnline,
        }))
        if (failures.length > 0) await fail(failures, 'pending', now)
        count += away.length
      }
    }
    return count
  }

  return {
    name: 'expire-device-jobs',
    every: 1_000,
    wokenBy: [],
    async run(now) {
      const own = await expireOwn(now)
      const orphans = await expireOrphans(now)
      const connecting = await expireConnecting(now)
      return { done: own + orphans + connecting, full: own === BATCH || orphans === BATCH }
    },
  }
}
