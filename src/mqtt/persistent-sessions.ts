import { createBatch } from '../batch.ts'
import type { Deps } from '../deps.ts'
import { recordSessions } from './session-commands.ts'
import { findSessions, type Subscriptions } from './session-store.ts'

/**
 * The subscriptions of devices with CleanSession 0, kept in the database [MQTT-3.1.2-4]. Reads and writes share one
 * queue: a device that reconnects at once finds the session it has just left, and simultaneous requests cost one
 * statement.
 */
export type PersistentSessions = {
  /** The session that a device resumes; undefined when there was none, and one begins. */
  restore(deviceId: string): Promise<Subscriptions | undefined>
  /** Resolves when the session is stored: an acknowledged subscription survives whatever happens. */
  keep(deviceId: string, subscriptions: Subscriptions): Promise<void>
  /** The device starts again with CleanSession 1 [MQTT-3.1.2-6]. It does not wait for this. */
  forget(deviceId: string): void
  close(): Promise<void>
}

type Change = { readonly deviceId: string; readonly subscriptions: Subscriptions | undefined }

/** A device that waits for its admission. */
type Ask = {
  readonly deviceId: string
  readonly found: (subscriptions: Subscriptions | undefined) => void
  readonly failed: (error: unknown) => void
}

/** Entries per round, and the milliseconds for which an entry without a waiting device may be delayed. */
const batchSize = 1_000
const batchWait = 20

export function createPersistentSessions(deps: Pick<Deps, 'db' | 'clock' | 'log'>): PersistentSessions {
  const asking = new Set<Ask>()
  /** Why nothing can be written; undefined while writes succeed. */
  let trouble: { readonly error: unknown } | undefined
  // New connections are refused instead of waiting; changed sessions are written eventually.
  const turnAway = (error: unknown): void => {
    deps.log.warn({ err: error }, 'device sessions could not be read or written')
    for (const { failed } of asking) failed(error)
    asking.clear()
  }
  const line = createBatch<Change | Ask>({
    clock: deps.clock,
    size: batchSize,
    wait: batchWait,
    async flush(steps) {
      const changes = new Map<string, Subscriptions | undefined>()
      const asked: Ask[] = []
      for (const step of steps) {
        if ('subscriptions' in step) changes.set(step.deviceId, step.subscriptions)
        else if (asking.has(step)) asked.push(step)
      }
      if (changes.size > 0) await recordSessions(deps, changes)
      trouble = undefined
      if (asked.length === 0) return
      try {
        const sessions = await findSessions(
          deps.db,
          asked.map(({ deviceId }) => deviceId),
        )
        for (const ask of asked) {
          asking.delete(ask)
          ask.found(sessions.get(ask.deviceId))
        }
      } catch (error) {
        turnAway(error)
      }
    },
    onError(error) {
      trouble = { error }
      turnAway(error)
    },
  })

  return {
    async restore(deviceId) {
      if (trouble !== undefined) throw trouble.error
      const session = new Promise<Subscriptions | undefined>((found, failed) => {
        const ask = { deviceId, found, failed }
        asking.add(ask)
        line.add(ask)
      })
      void line.flush()
      const subscriptions = await session
      // A session exists from the first connection on, also without subscriptions (MQTT 3.1.1, 3.1.2.4).
      if (subscriptions === undefined) line.add({ deviceId, subscriptions: {} })
      return subscriptions
    },
    keep(deviceId, subscriptions) {
      line.add({ deviceId, subscriptions })
      return line.flush()
    },
    forget: (deviceId) => line.add({ deviceId, subscriptions: undefined }),
    close: line.close,
  }
}
