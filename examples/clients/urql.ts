import { Client, cacheExchange, fetchExchange, mapExchange, type Operation, subscriptionExchange } from '@urql/core'
import { connect, type HubSettings } from './graphql-ws.ts'
import { idOf } from './trusted-documents.ts'

// #region connect
/** urql on the connection of graphql-ws.ts. */
export function createUrqlClient(settings: HubSettings) {
  const { url, session } = settings
  const socket = connect(settings)
  const client = new Client({
    url,
    // Queries stay out of addresses, and so out of logs.
    preferGetMethod: false,
    // In the place of `fetchOptions`, which cannot wait. If it rejects, its error is that of the operation.
    fetch: async (address, options) => {
      const headers = new Headers(options?.headers)
      const authorization = await session.authorization()
      if (authorization !== undefined) headers.set('authorization', authorization)
      return fetch(address, { ...options, headers })
    },
    exchanges: [
      mapExchange({ onOperation: withId }),
      // Or Graphcache: nodes have a global `id`.
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables, extensions }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables, extensions }, sink) }),
        }),
      }),
    ],
  })
  return { client, close: () => void socket.dispose() }
}

/** urql does not send the text of an operation with `persistedQuery`. */
function withId(operation: Operation): Operation {
  const persistedQuery = idOf(operation.query)
  if (persistedQuery === undefined) return operation
  return { ...operation, extensions: { ...operation.extensions, persistedQuery } }
}
// #endregion
