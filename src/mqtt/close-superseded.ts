import type { Deps } from '../deps.ts'
import type { Connections } from './connection.ts'

/**
 * Ends connections whose devices have newer ones to other instances [MQTT-3.1.4-2], and all connections when this
 * instance cannot reach the database while others may: the devices can be called there. Returns a function that stops
 * it.
 */
export function closeSuperseded(deps: Pick<Deps, 'events' | 'log'>, connections: Connections): () => void {
  const stopListening = [
    deps.events.listen('replaced')(({ connectionIds }) => {
      // One that is still being admitted: its row named it before it is open.
      for (const connection of connections.undecided()) {
        if (connectionIds.includes(connection.id)) connections.end(connection)
      }
      for (const id of connectionIds) {
        const connection = connections.named(id)
        if (connection === undefined) continue
        deps.log.debug(
          { deviceId: connection.deviceId },
          'device connection closed: the device connected to another instance',
        )
        connections.end(connection)
      }
    }),
    deps.events.listen('stranded')(() => {
      const all = [...connections.all()]
      deps.log.warn(
        { devices: all.length },
        'database unreachable; disconnecting devices so that they connect to other instances',
      )
      for (const connection of all) connections.end(connection)
    }),
  ]
  return () => {
    for (const stop of stopListening) stop()
  }
}
