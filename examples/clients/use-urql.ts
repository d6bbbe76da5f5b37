import type { AnyVariables, OperationResult } from '@urql/core'
import type { HubSettings } from './graphql-ws.ts'
import { EndedDeviceJobs, type HubClient, jobIdIn, ScheduleMethod } from './operations.ts'
import { createUrqlClient } from './urql.ts'

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
  if (error !== undefined || data === undefined) throw error
  return data
}
// #endregion
