import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client/core'
import { SetContextLink } from '@apollo/client/link/context'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { relayStylePagination } from '@apollo/client/utilities'
import { OperationTypeNode } from 'graphql'
import possibleTypes from './generated/possible-types.ts'
import { connect, type HubSettings } from './graphql-ws.ts'
import { idOf } from './trusted-documents.ts'

// #region cache
/** Nodes have a global `id`, and are one entry of the cache, whichever operation returned them. */
const createCache = (): InMemoryCache =>
  new InMemoryCache({
    // Which types are an `Error`. Without it, `... on Error { message }` selects nothing in the cache.
    possibleTypes: possibleTypes.possibleTypes,
    typePolicies: {
      // Select `edges`: relayStylePagination does not merge `nodes`.
      Query: {
        fields: {
          jobs: relayStylePagination(['filter', 'orderBy']),
          devices: relayStylePagination(['queryCondition', 'orderBy']),
        },
      },
      Job: { fields: { deviceJobs: relayStylePagination(['filter', 'orderBy']) } },
      Device: { fields: { deviceJobs: relayStylePagination() } },
      // Objects without an id are part of their parent: their fields are merged.
      DeviceJobStatistics: { merge: true },
      TwinProperties: { merge: true },
      TwinSection: { merge: true },
    },
  })
// #endregion

// #region connect
/** Apollo Client on the connection of graphql-ws.ts. */
export function createApolloClient(settings: HubSettings) {
  const { url, session } = settings
  const socket = connect(settings)
  const withToken = new SetContextLink(async ({ headers }) => {
    const authorization = await session.authorization()
    return { headers: { ...headers, ...(authorization !== undefined && { authorization }) } }
  })
  const withId = new ApolloLink((operation, forward) => {
    const persistedQuery = idOf(operation.query)
    if (persistedQuery !== undefined) {
      operation.extensions.persistedQuery = persistedQuery
      operation.setContext({ http: { includeQuery: false, includeExtensions: true } })
    }
    return forward(operation)
  })
  const client = new ApolloClient({
    link: withId.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      withToken.concat(new HttpLink({ uri: url })),
    ),
    cache: createCache(),
  })
  const close = (): void => {
    client.stop()
    void socket.dispose()
  }
  return { client, close }
}
// #endregion
