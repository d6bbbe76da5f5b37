import type { ExecutionResult } from 'graphql'
import relay, {
  type FetchFunction,
  type GraphQLResponse,
  type IEnvironment,
  type RequestParameters,
  type SubscribeFunction,
  type Variables,
} from 'relay-runtime'
import EndedDeviceJobs, {
  type relayDocumentsEndedSubscription,
} from './__generated__/relayDocumentsEndedSubscription.graphql.ts'
import ScheduleMethod, {
  type relayDocumentsScheduleMutation,
} from './__generated__/relayDocumentsScheduleMutation.graphql.ts'
import { connect, type HubSettings } from './graphql-ws.ts'
import { post } from './http.ts'
import type { HubClient } from './operations.ts'

const { commitMutation, Environment, Network, Observable, RecordSource, requestSubscription, Store } = relay

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

// #region use
/** A program on Relay. */
export function useRelay(settings: HubSettings): HubClient {
  const { environment, close } = createRelayEnvironment(settings)
  return {
    schedule: (input) =>
      new Promise((resolve, reject) => {
        commitMutation<relayDocumentsScheduleMutation>(environment, {
          mutation: ScheduleMethod,
          variables: { input },
          onCompleted({ scheduleDeviceMethod: result }) {
            if (result.__typename === 'ScheduleJobPayload') resolve(result.job.jobId)
            else if (result.__typename === '%other')
              reject(new Error('The hub refused, for a reason that this program does not know.'))
            else reject(new Error(result.message))
          },
          onError: reject,
        })
      }),
    follow: (jobId, onEnded) =>
      new Promise((resolve, reject) => {
        requestSubscription<relayDocumentsEndedSubscription>(environment, {
          subscription: EndedDeviceJobs,
          // `after: null`: graphql-ws.ts replaces it when it connects again.
          variables: { jobId, after: null },
          onNext(result) {
            if (result) onEnded(result.deviceJobEnded.deviceJobs)
          },
          onError: reject,
          onCompleted: () => resolve(),
        })
      }),
    close,
  }
}
// #endregion
