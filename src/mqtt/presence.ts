import { createBatch } from '../batch.ts'
import type { Deps } from '../deps.ts'
import { recordPresence } from '../device/presence-commands.ts'
import type { Begun, PresenceChange } from '../device/presence-store.ts'
import type { Connection } from './connection.ts'

/**
 * Records in the database which devices are connected to this instance. A device is disconnected when its connection
 * ends; its last will plays no part in that and is published as telemetry only (admission.ts).
 */
export type Presence = {
  /**
   * Resolves when the device's row names this connection and earlier connections are notified to end. Rejects when that
   * cannot be written now, or when the device has a newer connection.
   */
  begin(connection: Connection): Promise<Begun>
  /**
   * The row may have lost this open connection: writes it again, unless the device is connected elsewhere by now.
   * Returns whether the row names it.
   */
  claim(connection: Connection): Promise<boolean>
  /** The connection has ended. A connection that never began is ignored. */
  end(connection: Connection): void
  close(): Promise<void>
}

/** Measured for bulk writes: more rows per statement gain nothing. */
const batchSize = 1_000
const batchWait = 20

type Wait = { readonly found: (begun: Begun | undefined) => void; readonly failed: (error: unknown) => void }

/**
 * Collects beginnings and ends of connections and writes them together, in the order in which they happened. Memory is
 * bounded by the number of connections: while the database is unavailable no device is admitted, so only ends remain to
 * be recorded.
 */
export function createPresence(deps: Deps): Presence {
  /** By connection. A refused connection no longer waits, and is not written. */
  const waiting = new Map<string, Wait>()
  let announced = 0
  /** Why nothing can be written; undefined while writes succeed. */
  let trouble: { readonly error: unknown } | undefined

  const turnAway = (error: unknown): void => {
    for (const { failed } of waiting.values()) failed(error)
    waiting.clear()
  }
  const answer = (connectionId: string, begun: Begun | undefined): void => {
    waiting.get(connectionId)?.found(begun)
    waiting.delete(connectionId)
  }
  const line = createBatch<PresenceChange>({
    clock: deps.clock,
    size: batchSize,
    wait: batchWait,
    async flush(changes) {
      for (const round of inRounds(changes.filter((change) => !change.connected || waiting.has(change.connectionId)))) {
        const begun = await recordPresence(deps, round)
        const refused = new Set<string>()
        for (const { connected, connectionId, deviceId } of round) {
          if (!connected) continue
          answer(connectionId, begun.get(connectionId))
          if (!begun.has(connectionId)) refused.add(deviceId)
        }
        // Their beginning would also have recorded the end of an older connection.
        const ends = changes.filter(({ connected, deviceId }) => !connected && refused.has(deviceId))
        for (const end of ends) await recordPresence(deps, [end])
      }
      trouble = undefined
      // Connections that a newer one in the same batch has replaced.
      for (const { connected, connectionId } of changes) if (connected) answer(connectionId, undefined)
    },
    onError(error) {
      deps.log.warn({ err: error }, 'device presence could not be written')
      trouble = { error }
      turnAway(error)
    },
  })
  const write = (connection: Connection, onlyIfFree: boolean): Promise<Begun | undefined> => {
    if (trouble !== undefined) throw trouble.error
    const { deviceId, id: connectionId, modelId } = connection
    const written = new Promise<Begun | undefined>((found, failed) => waiting.set(connectionId, { found, failed }))
    line.add({ deviceId, connectionId, connected: true, modelId, onlyIfFree, time: deps.clock.now() })
    void line.flush()
    return written
  }

  return {
    async begin(connection) {
      connection.announced = ++announced
      const begun = await write(connection, false)
      if (begun === undefined) throw new Error('The connection of the device could not be recorded.')
      return begun
    },
    claim: async (connection) => (await write(connection, true)) !== undefined,
    end({ announced, deviceId, id: connectionId }) {
      if (announced === 0) return
      line.add({ deviceId, connectionId, connected: false, time: deps.clock.now() })
    },
    async close() {
      turnAway(new Error('The broker is closing.'))
      await line.close()
    },
  }
}

/**
 * The changes in their order, as at most two statements with one change per device. The last change of a device counts;
 * but an end is written only over its own beginning, so the beginning of a connection that began and ended in between
 * is written first.
 */
export function inRounds(changes: readonly PresenceChange[]): PresenceChange[][] {
  const beginnings = new Map<string, PresenceChange>()
  const ends = new Map<string, PresenceChange>()
  for (const change of changes) {
    const begun = beginnings.get(change.deviceId)
    if (change.connected) {
      // The device has a newer connection already.
      if (change.onlyIfFree === true && begun !== undefined) continue
      beginnings.set(change.deviceId, change)
      ends.delete(change.deviceId)
    } else if (begun === undefined || begun.connectionId === change.connectionId) ends.set(change.deviceId, change)
  }
  const first = [...beginnings.values()]
  const second: PresenceChange[] = []
  for (const end of ends.values()) (beginnings.has(end.deviceId) ? second : first).push(end)
  return [first, second].filter((round) => round.length > 0)
}
