import type { Deps } from '../deps.ts'
import type { Connections } from './connection.ts'

/** Ends connections whose devices have newer ones to other instances [MQTT-3.1.4-2]. Answers how to stop. */
export function followReplaced(deps: Pick<Deps, 'events' | 'log'>, connections: Connections): () => void {
  return deps.events.listen('replaced')(({ connectionIds }) => {
    for (const id of connectionIds) {
      const connection = connections.named(id)
      if (connection === undefined) continue
      deps.log.debug({ deviceId: connection.deviceId }, 'a connection was closed: its device is at another instance')
      connections.end(connection)
    }
  })
}
