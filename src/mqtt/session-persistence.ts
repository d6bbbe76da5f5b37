import type { Client } from 'aedes'
import type { Connections } from './connection.ts'
import type { KeptSessions } from './kept-sessions.ts'

/** The broker takes an empty list for no session. This is no filter that anybody is granted, so it stands for none. */
const noFilter = { topic: '$', qos: 0 }

/**
 * The part of the broker's memory that is one: the sessions. Asked for by connections with CleanSession 0 only, but for
 * `cleanSubscriptions`; what is restored goes past `authorizeSubscribe` again.
 */
export const createSessionPersistence = (connections: Connections, sessions: KeptSessions) => {
  const keep = async (client: Client): Promise<void> => {
    const connection = connections.of(client)
    // Who has ended or was thrown out changes nothing any more: the session is that of the next connection.
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
