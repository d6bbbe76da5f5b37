import type { Deps } from '../deps.ts'
import { findDeviations } from '../device/presence-store.ts'
import type { Connection, Connections } from './connection.ts'
import type { Presence } from './presence.ts'

/** Devices per statement. */
const batch = 1_000
/** Milliseconds until a failed comparison is repeated. */
const retry = 1_000

/**
 * Compares the open connections with the rows of their devices after this instance may have missed something: events of
 * other instances were lost, the database was unavailable, or this instance was declared dead. It costs one statement
 * per thousand devices, and more only for changed ones.
 */
export function compareConnections(
  deps: Pick<Deps, 'db' | 'clock' | 'log' | 'events' | 'lease'>,
  {
    connections,
    presence,
    recheck,
  }: {
    readonly connections: Connections
    readonly presence: Presence
    /** The identity of its device differs from the one that was authenticated. */
    readonly recheck: (connection: Connection) => Promise<void>
  },
): { close(): Promise<void> } {
  const closing = new AbortController()
  let due = false
  let isCalling = false
  let calling: Promise<void> | undefined

  /** The device is connected nowhere else: its row has lost the connection, and calls wait for it. */
  const claim = async (connection: Connection): Promise<string | undefined> =>
    (await presence.claim(connection)) && !connection.ended ? connection.deviceId : undefined

  const compare = async (some: readonly Connection[]): Promise<void> => {
    const claims: Promise<string | undefined>[] = []
    for (const { connectionId, identityChanged, named } of await findDeviations(deps.db, some, deps.lease.instanceId)) {
      const connection = connections.named(connectionId)
      if (connection === undefined) continue
      if (identityChanged) await recheck(connection)
      if (named === 'elsewhere') connections.end(connection)
      else if (named === 'nowhere' && !connection.ended) claims.push(claim(connection))
    }
    const deviceIds = (await Promise.all(claims)).filter((id) => id !== undefined)
    if (deviceIds.length > 0) deps.events.publish('waiting', { deviceIds })
  }
  const call = async (): Promise<void> => {
    isCalling = true
    while (due && !closing.signal.aborted) {
      due = false
      try {
        const all = [...connections.all()]
        for (let from = 0; from < all.length && !closing.signal.aborted; from += batch) {
          await compare(all.slice(from, from + batch).filter(({ ended }) => !ended))
        }
      } catch (error) {
        deps.log.warn({ err: error }, 'device connections could not be compared with the database; retrying')
        due = true
        await deps.clock.sleep(retry, closing.signal)
      }
    }
    // Without connections this runs before `calling` is assigned, so `calling` cannot be used.
    isCalling = false
  }
  const begin = (): void => {
    due = true
    if (!isCalling) calling = call()
  }
  const stopListening = [deps.events.listen('missed')(begin), deps.events.listen('returned')(begin)]

  return {
    async close() {
      closing.abort()
      for (const stop of stopListening) stop()
      await calling
    },
  }
}
