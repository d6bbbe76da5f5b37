import { createBatch } from '../batch.ts'
import type { Deps } from '../deps.ts'
import { recordSessions } from './commands.ts'
import { findSessions, type Subscriptions } from './store.ts'

/**
 * What devices with CleanSession 0 subscribed to, kept in the database [MQTT-3.1.2-4]. Reads and writes stand in one line:
 * a device that comes back at once finds what it has just left, and those who come together cost one statement.
 */
export type KeptSessions = {
  /** The session of a device that wants to go on with it; undefined when there was none, and one begins. */
  restore(deviceId: string): Promise<Subscriptions | undefined>
  /** Resolves when the session is kept so: an acknowledged subscription survives whatever happens. */
  keep(deviceId: string, subscriptions: Subscriptions): Promise<void>
  /** The device begins anew with CleanSession 1 [MQTT-3.1.2-6]. Does not make it wait. */
  forget(deviceId: string): void
  close(): Promise<void>
}

type Change = { readonly deviceId: string; readonly subscriptions: Subscriptions | undefined }

/** A device that waits to be let in. */
type Ask = {
  readonly deviceId: string
  readonly found: (subscriptions: Subscriptions | undefined) => void
  readonly failed: (error: unknown) => void
}

/** Steps of one round, and the milliseconds for which one that nobody waits for may be held back. */
const batchSize = 1_000
const batchWait = 20

export function createKeptSessions(deps: Pick<Deps, 'db' | 'clock' | 'log'>): KeptSessions {
  const asking = new Set<Ask>()
  /** Why nothing can be written, until it can. */
  let trouble: { readonly error: unknown } | undefined
  // Whoever connects is turned away rather than kept waiting; what changed is written sooner or later.
  const turnAway = (error: unknown): void => {
    deps.log.warn({ err: error }, 'sessions of devices could not be read or written')
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
