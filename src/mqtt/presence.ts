import { createBatch } from '../batch.ts'
import type { Deps } from '../deps.ts'
import { recordPresence } from '../device/commands.ts'
import type { PresenceChange } from '../device/presence-store.ts'

/** Tells the database which devices are connected to this instance. */
export type Presence = {
  add(change: PresenceChange): void
  close(): Promise<void>
}

/** Measured for bulk writes: more rows than this in a statement bring nothing. */
const BATCH = 1_000
const WAIT = 20

/**
 * Collects beginnings and ends of connections and writes them together. Bounded by the number of connections: while the
 * database is away nobody can come in, so all there is to remember is that they went.
 */
export function createPresence(deps: Deps): Presence {
  return createBatch<PresenceChange>({
    clock: deps.clock,
    size: BATCH,
    wait: WAIT,
    async flush(changes) {
      for (const round of inRounds(changes)) await recordPresence(deps, round)
    },
    onError: (error) => deps.log.warn({ err: error }, 'presence of devices could not be written'),
  })
}

/**
 * What happened, in the order it happened, as at most two statements with one change a device. The last change of a
 * device is what counts; but its end is written only over its beginning, so that of a connection that began and ended
 * in between the beginning is written first.
 */
export function inRounds(changes: readonly PresenceChange[]): PresenceChange[][] {
  const beginnings = new Map<string, PresenceChange>()
  const ends = new Map<string, PresenceChange>()
  for (const change of changes) {
    if (change.connected) {
      beginnings.set(change.deviceId, change)
      ends.delete(change.deviceId)
    } else {
      const begun = beginnings.get(change.deviceId)
      if (begun === undefined || begun.connectionId === change.connectionId) ends.set(change.deviceId, change)
    }
  }
  const first = [...beginnings.values()]
  const second: PresenceChange[] = []
  for (const end of ends.values()) (beginnings.has(end.deviceId) ? second : first).push(end)
  return [first, second].filter((round) => round.length > 0)
}
