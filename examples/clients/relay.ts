import type { ExecutionResult } from 'graphql'
import relay, {
  type FetchFunction,
  type GraphQLResponse,
  type IEnvironment,
  type RequestParameters,
  type SubscribeFunction,
  type Variables,
} from 'relay-runtime'
import { connect, type HubSettings } from './graphql-ws.ts'
import { post } from './http.ts'

const { Environment, Network, Observable, RecordSource, Store } = relay

// #region connect
/** Relay on the connection of graphql-ws.ts. */
export function createRelayEnvironment(settings: HubSettings): { environment: IEnvironment; close(): void } {
  const socket = connect(settings)
  const fetchOperation: FetchFunction = (parameters, variables) =>
    post<GraphQLResponse>(settings, requestOf(parameters, variables))
  const subscribe: SubscribeFunction = (parameters, variables) =>
    Observable.create((sink) => {
      const next = ({ data, errors = [] }: ExecutionResult): void => {
        const payloadErrors = errors.map(({ message }) => ({ message }))
        sink.next(data ? { data, errors: payloadErrors } : { errors: payloadErrors })
      }
      return socket.subscribe(requestOf(parameters, variables), { ...sink, next })
    })
  const environment = new Environment({
    network: Network.create(fetchOperation, subscribe),
    store: new Store(new RecordSource()),
  })
  return { environment, close: () => void socket.dispose() }
}

/** With `persistConfig`, an operation has an id instead of a text. */
function requestOf({ id, text, name }: RequestParameters, variables: Variables) {
  const request = { operationName: name, variables }
  if (text) return { ...request, query: text }
  return { ...request, query: '', extensions: { persistedQuery: { version: 1, sha256Hash: id } } }
}
// #endregion
