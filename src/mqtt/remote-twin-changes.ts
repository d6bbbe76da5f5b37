import { type BackOff, backOff } from '../back-off.ts'
import type { Deps } from '../deps.ts'
import { findNewerDesired } from '../twin/store.ts'
import type { Connection, Connections } from './connection.ts'

/** Devices per statement. */
const batch = 1_000
/** Milliseconds until a failed read of versions is repeated; at least half of it. */
const pauses: BackOff = { first: 7_000, longest: 7_000 }

/**
 * The version of its desired properties that the device knows, or can know: it reads by itself what existed when it
 * connected.
 */
const knownDesired = ({ firstDesired, sentDesired, announcedDesired }: Connection): number =>
  Math.max(firstDesired, sentDesired, announcedDesired)

/** The properties of these devices change: those that are being admitted cannot be notified yet. */
export function noteMissed(connections: Pick<Connections, 'undecided'>, deviceIds: readonly string[]): void {
  let changed: ReadonlySet<string> | undefined
  for (const connection of connections.undecided()) {
    changed ??= new Set(deviceIds)
    if (changed.has(connection.deviceId)) connection.missedDesired = true
  }
}

/**
 * Notifies devices connected here of desired properties that were written through another instance. Its event names the
 * changed twins but not the changes, so `notify` gets versions and no patch.
 */
export function followTwinsElsewhere(
  deps: Pick<Deps, 'db' | 'clock' | 'log' | 'events'>,
  {
    connections,
    notify,
  }: {
    readonly connections: Connections
    readonly notify: (desired: { readonly deviceId: string; readonly version: number }) => void
  },
): {
  /** The properties of a device that is connected here may have changed. */
  look(deviceId: string): void
  close(): Promise<void>
} {
  const closing = new AbortController()
  const changed = new Set<string>()
  let reading: Promise<void> | undefined

  const read = async (): Promise<void> => {
    while (changed.size > 0 && !closing.signal.aborted) {
      const deviceIds = [...changed].slice(0, batch)
      for (const deviceId of deviceIds) changed.delete(deviceId)
      try {
        const known = deviceIds.flatMap((deviceId) => {
          const connection = connections.find(deviceId)
          return connection === undefined ? [] : { deviceId, version: knownDesired(connection) }
        })
        for (const desired of await findNewerDesired(deps.db, known)) notify(desired)
      } catch (error) {
        deps.log.warn({ err: error }, 'twin changes for connected devices could not be read')
        for (const deviceId of deviceIds) changed.add(deviceId)
        await deps.clock.sleep(backOff(pauses, 0), closing.signal)
      }
    }
    reading = undefined
  }
  const add = (deviceIds: Iterable<string>): void => {
    for (const deviceId of deviceIds) if (connections.find(deviceId) !== undefined) changed.add(deviceId)
    if (changed.size > 0) reading ??= read()
  }

  const stopListening = [
    deps.events.listen('twinsElsewhere')(({ deviceIds }) => {
      noteMissed(connections, deviceIds)
      add(deviceIds)
    }),
    deps.events.listen('missed')(() => {
      for (const connection of connections.undecided()) connection.missedDesired = true
      add([...connections.all()].map(({ deviceId }) => deviceId))
    }),
  ]

  return {
    look: (deviceId) => add([deviceId]),
    async close() {
      closing.abort()
      for (const stop of stopListening) stop()
      await reading
    },
  }
}
