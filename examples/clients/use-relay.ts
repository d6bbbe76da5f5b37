import relay from 'relay-runtime'
import EndedDeviceJobs, {
  type relayDocumentsEndedSubscription,
} from './__generated__/relayDocumentsEndedSubscription.graphql.ts'
import ScheduleMethod, {
  type relayDocumentsScheduleMutation,
} from './__generated__/relayDocumentsScheduleMutation.graphql.ts'
import type { HubSettings } from './graphql-ws.ts'
import type { HubClient } from './operations.ts'
import { createRelayEnvironment } from './relay.ts'

const { commitMutation, requestSubscription } = relay

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
          onCompleted({ scheduleDeviceMethod: result }, errors) {
            // Errors that a result union does not have: no right, a limit, no database.
            if (!result) reject(new AggregateError(errors ?? [], errors?.[0]?.message))
            else if (result.__typename === 'ScheduleJobPayload') resolve(result.jobId)
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
