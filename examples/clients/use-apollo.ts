import { createApolloClient } from './apollo.ts'
import type { HubSettings } from './graphql-ws.ts'
import { EndedDeviceJobs, type HubClient, jobIdIn, ScheduleMethod } from './operations.ts'

// #region use
/** A program on Apollo Client. */
export function useApollo(settings: HubSettings): HubClient {
  const { client, close } = createApolloClient(settings)
  return {
    async schedule(input) {
      const { data } = await client.mutate({ mutation: ScheduleMethod, variables: { input } })
      if (data === undefined) throw new Error('The hub sent no data.')
      return jobIdIn(data)
    },
    follow: (jobId, onEnded) =>
      new Promise((resolve, reject) => {
        // `after: null`: graphql-ws.ts replaces it when it connects again.
        const results = client.subscribe({ query: EndedDeviceJobs, variables: { jobId, after: null } })
        results.subscribe({
          next({ data, error }) {
            if (error !== undefined) reject(error)
            else if (data) onEnded(data.deviceJobEnded.deviceJobs)
          },
          error: reject,
          complete: resolve,
        })
      }),
    close,
  }
}
// #endregion
