import {
  type AnyVariables,
  Client,
  cacheExchange,
  fetchExchange,
  mapExchange,
  type Operation,
  type OperationResult,
  subscriptionExchange,
} from '@urql/core'
import { connect, type HubSettings } from './graphql-ws.ts'
import { EndedDeviceJobs, type HubClient, jobIdIn, ScheduleMethod } from './operations.ts'
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
    exchanges: [
      mapExchange({
        async onOperation(operation) {
          const authorization = await session.authorization()
          const headers = new Headers(authorization === undefined ? {} : { authorization })
          return withId({ ...operation, context: { ...operation.context, fetchOptions: { headers } } })
        },
      }),
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

// #region use
/** A program on urql. */
export function useUrql(settings: HubSettings): HubClient {
  const { client, close } = createUrqlClient(settings)
  return {
    async schedule(input) {
      return jobIdIn(dataOf(await client.mutation(ScheduleMethod, { input })))
    },
    follow: (jobId, onEnded) =>
      new Promise((resolve, reject) => {
        let latest: unknown
        // `after: null`: graphql-ws.ts replaces it when it connects again.
        client.subscription(EndedDeviceJobs, { jobId, after: null }).subscribe(({ data, error, hasNext }) => {
          if (error !== undefined) reject(error)
          // At the end, urql shows the last result a second time.
          else if (data && data !== latest) onEnded(data.deviceJobEnded.deviceJobs)
          latest = data
          if (!hasNext) resolve()
        })
      }),
    close,
  }
}

function dataOf<Data, Variables extends AnyVariables>({ data, error }: OperationResult<Data, Variables>): Data {
  // Errors that a result union does not have: no right, a limit, no database, no connection.
  if (data === undefined) throw error
  return data
}
// #endregion
