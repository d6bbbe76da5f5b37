import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import {
  findConnectExpiredJobIds,
  findExpired,
  findPending,
  lockOpenJobs,
  type Settlement,
  settle,
} from '../job/store.ts'
import type { Step } from './loop.ts'
import { tellProgress } from './tell-progress.ts'
import type { Window } from './window.ts'

const BATCH = 1_000
/** Milliseconds that a sweep looks back beyond the last one: a mark may be committed a little after it was dated. */
const OVERLAP = 60_000

/** Past its deadline without an answer → failed, and never sent again; not here within the connect timeout → failed. */
export function expireDeviceJobs(deps: Deps, { window }: { readonly window: Window }): Step {
  let sweptUntil = new Date(0) // the first sweep looks at all that is open, whichever run had sent it

  const settleAll = (settlements: readonly Settlement[], from: 'running' | 'pending', now: Date): Promise<void> =>
    inTransaction(deps, async (tx, afterCommit) => {
      const open = await lockOpenJobs(tx, [...new Set(settlements.map((settlement) => settlement.jobId))])
      const progress = await settle(
        tx,
        settlements.filter((settlement) => open.has(settlement.jobId)),
        from,
        now,
      )
      afterCommit(() => tellProgress(deps, progress))
    })

  const expireCalls = async (now: Date): Promise<number> => {
    const expired = await findExpired(deps.db, new Date(sweptUntil.getTime() - OVERLAP), now, BATCH)
    if (expired.length > 0) {
      const error = { code: 'GatewayTimeout', description: 'The device had the call and did not answer in time.' }
      await settleAll(
        expired.map((key) => ({ ...key, error })),
        'running',
        now,
      )
    }
    if (expired.length < BATCH) sweptUntil = now
    return expired.length
  }

  const expireConnecting = async (now: Date): Promise<number> => {
    let count = 0
    for (const jobId of await findConnectExpiredJobIds(deps.db, now)) {
      let after: string | undefined = ''
      while (after !== undefined) {
        const deviceIds: string[] = await findPending(deps.db, jobId, after, BATCH)
        after = deviceIds.length === BATCH ? deviceIds.at(-1) : undefined
        // A device that is here has connected in time; its turn is only yet to come.
        const away = deviceIds.filter((deviceId) => !deps.sessions.reaches(deviceId))
        const error = {
          code: 'DeviceNotOnline',
          description: 'The device did not connect and subscribe to methods within the connect timeout.',
        }
        if (away.length > 0) {
          await settleAll(
            away.map((deviceId) => ({ jobId, deviceId, error })),
            'pending',
            now,
          )
        }
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
      window.expire(now)
      const calls = await expireCalls(now)
      const connecting = await expireConnecting(now)
      return { done: calls + connecting, full: calls === BATCH }
    },
  }
}
