import type { Client } from 'aedes'
import type { Connections } from './connection.ts'
import type { PersistentSessions } from './persistent-sessions.ts'

/** The broker treats an empty list as no session. No device is granted this filter, so it represents the empty list. */
const noFilter = { topic: '$', qos: 0 }

/**
 * The sessions, the only part of the broker's persistence that stores anything. Used for connections with CleanSession
 * 0 only, except `cleanSubscriptions`; restored filters pass `authorizeSubscribe` again.
 */
export const createSessionPersistence = (connections: Connections, sessions: PersistentSessions) => {
  const keep = async (client: Client): Promise<void> => {
    const connection = connections.of(client)
    // A connection that has ended changes nothing any more: the session belongs to the next connection.
    if (connection !== undefined) await sessions.keep(connection.deviceId, Object.fromEntries(connection.subscriptions))
  }
  return {
    async subscriptionsByClient({ id }: { readonly id: string }): Promise<readonly { topic: string; qos: number }[]> {
      const session = await sessions.restore(id)
      if (session === undefined) return []
      const subscriptions = Object.entries(session).map(([topic, qos]) => ({ topic, qos }))
      return subscriptions.length > 0 ? subscriptions : [noFilter]
    },
    addSubscriptions: keep,
    async removeSubscriptions(client: Client, filters: readonly string[]): Promise<void> {
      const connection = connections.of(client)
      for (const filter of filters) connection?.subscriptions.delete(filter)
      await keep(client)
    },
    cleanSubscriptions: async ({ id }: Client): Promise<void> => sessions.forget(id),
  }
}
