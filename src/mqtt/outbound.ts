import type { Client } from 'aedes'
import { type BackOff, backOff } from '../back-off.ts'
import type { Deps } from '../deps.ts'
import { NotShownError } from '../errors.ts'
import type { DesiredPatch } from '../events/topics.ts'
import { jsonTextOf } from '../json/json-text.ts'
import { readProperties } from '../twin/commands.ts'
import { deviceSection, withVersion } from '../twin/document.ts'
import { type Connection, type Connections, send } from './connection.ts'
import { followTwinsElsewhere, noteMissed } from './remote-twin-changes.ts'
import { desiredPatchTopic, methodRequestTopic, parseSubscription } from './topics.ts'

/** Milliseconds until the read of a twin is tried again after a failure; at least half of it. */
const pauses: BackOff = { first: 7_000, longest: 7_000 }

/**
 * Messages that devices get without having asked: method calls and changes of their desired properties, each to the one
 * connection of the one device.
 */
export function createOutbound(
  deps: Pick<Deps, 'db' | 'clock' | 'limits' | 'log' | 'events' | 'attached'>,
  {
    connections,
    takeTurn,
  }: { readonly connections: Connections; readonly takeTurn: <T>(work: () => Promise<T>) => Promise<T> },
) {
  const closing = new AbortController()

  const attachMethods = (connection: Connection): void => {
    connection.detachMethods ??= deps.attached.attach(connection.deviceId, ({ methodName, requestId, payload }) =>
      send(connection, methodRequestTopic(methodName, requestId), payload),
    )
  }

  const sendDesired = (connection: Connection, version: number, payload: string): void => {
    connection.sentDesired = version
    send(connection, desiredPatchTopic(version), payload)
  }

  /** Sends the whole section until no newer version is known. */
  const catchUp = async (connection: Connection): Promise<void> => {
    connection.catchingUp = true
    while (!connection.ended && connection.wantsDesired && connection.sentDesired < connection.announcedDesired) {
      try {
        const twin = await takeTurn(() => readProperties(deps, connection.deviceId))
        if (connection.ended || !connection.wantsDesired) break
        // The answer to a read by the device may have overtaken this one.
        if (twin.desiredVersion > connection.sentDesired) {
          sendDesired(connection, twin.desiredVersion, deviceSection(twin.desired, twin.desiredVersion))
        }
      } catch (error) {
        deps.log.warn({ err: error, deviceId: connection.deviceId }, 'desired properties of a device could not be read')
        // Reading it again would change nothing. The device is notified when the twin changes.
        if (error instanceof NotShownError) break
        await deps.clock.sleep(backOff(pauses, 0), closing.signal)
      }
    }
    connection.catchingUp = false
  }

  /** Without a patch, the whole section is sent. */
  const notify = (
    { deviceId, version }: Pick<DesiredPatch, 'deviceId' | 'version'>,
    patch?: DesiredPatch['patch'],
  ): void => {
    const connection = connections.find(deviceId)
    if (connection === undefined || version <= connection.announcedDesired) return
    connection.announcedDesired = version
    if (!connection.wantsDesired || connection.catchingUp || version <= connection.sentDesired) return
    // A device that has been sent nothing yet has no gap: it will read its twin.
    if (patch !== undefined && (connection.sentDesired === 0 || version === connection.sentDesired + 1)) {
      // A job gives all its devices the same patch: it is printed once.
      sendDesired(connection, version, withVersion(jsonTextOf(patch).text, version))
    } else void catchUp(connection)
  }

  const stopListening = deps.events.listen('desiredPatches')((patches) => {
    const deviceIds = connections.undecidedCount > 0 ? patches.map(({ deviceId }) => deviceId) : []
    noteMissed(connections, deviceIds)
    for (const desiredPatch of patches) notify(desiredPatch, desiredPatch.patch)
  })
  const elsewhere = followTwinsElsewhere(deps, { connections, notify })

  const begin = (connection: Connection, filter: string): void => {
    const kind = parseSubscription(filter)?.kind
    if (kind === 'methods') attachMethods(connection)
    else if (kind === 'desiredPatches') connection.wantsDesired = true
  }

  return {
    /** The device has its CONNACK, and its earlier subscriptions are active again. */
    restored(client: Client): void {
      const connection = connections.of(client)
      if (connection === undefined) return
      for (const filter of connection.subscriptions.keys()) begin(connection, filter)
      if (!connection.wantsDesired) return
      // Changes during its admission. It may read its twin only now and then.
      if (!connection.catchingUp) void catchUp(connection)
      if (connection.missedDesired) elsewhere.look(connection.deviceId)
    },
    /** The device has its SUBACK for these filters. */
    subscribed(client: Client, filters: readonly string[]): void {
      const connection = connections.of(client)
      if (connection === undefined) return
      for (const filter of filters) begin(connection, filter)
      // Changes after it had read its twin and before it subscribed.
      if (connection.wantsDesired && connection.sentDesired > 0 && !connection.catchingUp) void catchUp(connection)
    },
    unsubscribed(client: Client, filters: readonly string[]): void {
      const connection = connections.of(client)
      if (connection === undefined) return
      for (const filter of filters) {
        const kind = parseSubscription(filter)?.kind
        if (kind === 'methods') {
          connection.detachMethods?.()
          connection.detachMethods = undefined
        } else if (kind === 'desiredPatches') connection.wantsDesired = false
      }
    },
    async close(): Promise<void> {
      closing.abort()
      stopListening()
      await elsewhere.close()
    },
  }
}
