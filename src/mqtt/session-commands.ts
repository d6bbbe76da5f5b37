import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { removeSessions, type Subscriptions, saveSessions } from './session-store.ts'

/** Writes the sessions of some devices as they are now, and deletes those that are undefined. */
export async function recordSessions(
  deps: Pick<Deps, 'db' | 'clock'>,
  sessions: ReadonlyMap<string, Subscriptions | undefined>,
): Promise<void> {
  const kept = new Map<string, Subscriptions>()
  const forgotten: string[] = []
  for (const [deviceId, subscriptions] of sessions) {
    if (subscriptions === undefined) forgotten.push(deviceId)
    else kept.set(deviceId, subscriptions)
  }
  await inTransaction(deps, async (tx) => {
    if (kept.size > 0) await saveSessions(tx, kept, deps.clock.now())
    if (forgotten.length > 0) await removeSessions(tx, forgotten)
  })
}
