import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import {
  type Begun,
  clearPresence,
  namesInstance,
  type PresenceChange,
  saveActivity,
  savePresence,
} from './presence-store.ts'

/**
 * Records connections that began and ended here, at most one change per device. Returns, by connection, those that
 * began. Connections to other instances that they replace are notified to end.
 */
export function recordPresence(
  deps: Pick<Deps, 'db' | 'lease' | 'events'>,
  changes: readonly PresenceChange[],
): Promise<ReadonlyMap<string, Begun>> {
  return inTransaction(deps, async (tx, afterCommit) => {
    const { begun, replaced } = await savePresence(tx, changes, deps.lease.instanceId)
    afterCommit(() => {
      if (replaced.length > 0) deps.events.publish('replaced', { connectionIds: replaced })
      deps.events.publish('presence', { deviceIds: changes.map(({ deviceId }) => deviceId) })
    })
    return begun
  })
}

/** Records when devices were last active, each device at most once. */
export async function recordActivity(deps: Pick<Deps, 'db'>, activities: ReadonlyMap<string, Date>): Promise<void> {
  await inTransaction(deps, (tx) => saveActivity(tx, activities))
}

/**
 * Devices per write when the presence of a dead instance is cleared, and the milliseconds until devices that other
 * transactions were writing are tried again.
 */
const clearBatch = 1_000
const clearPause = 100

/** The connections of an instance have ended with it. */
export async function forgetPresence(deps: Pick<Deps, 'db' | 'clock' | 'events'>, instanceId: string): Promise<void> {
  for (;;) {
    let after: string | undefined = ''
    while (after !== undefined) after = await forgetSome(deps, instanceId, after)
    if (!(await namesInstance(deps.db, instanceId))) return
    await deps.clock.sleep(clearPause)
  }
}

/** Returns the last device of a full batch; undefined when there are no more. */
function forgetSome(
  deps: Pick<Deps, 'db' | 'clock' | 'events'>,
  instanceId: string,
  after: string,
): Promise<string | undefined> {
  return inTransaction(deps, async (tx, afterCommit) => {
    const deviceIds = await clearPresence(tx, instanceId, { after, limit: clearBatch, now: deps.clock.now() })
    if (deviceIds.length > 0) afterCommit(() => deps.events.publish('presence', { deviceIds }))
    return deviceIds.length === clearBatch ? deviceIds.at(-1) : undefined
  })
}
