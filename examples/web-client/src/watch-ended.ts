import type { Client } from '@urql/core'
import { graphql } from './generated/index.ts'

const EndedDeviceJobs = graphql(/* GraphQL */ `
  subscription EndedDeviceJobs($jobId: String!, $after: String) {
    deviceJobEnded(jobId: $jobId, after: $after) {
      cursor
      deviceJobs {
        deviceId
        status
        outcome {
          status
        }
        error {
          description
        }
      }
    }
  }
`)

/** Calls back with a line for each device job of a job as it ends, each once. The result ends the subscription. */
export function watchEnded(client: Client, jobId: string, onEnded: (line: string) => void): () => void {
  let latest: unknown
  const { unsubscribe } = client.subscription(EndedDeviceJobs, { jobId, after: null }).subscribe(({ data }) => {
    // At the end, urql shows the last result a second time.
    if (!data || data === latest) return
    latest = data
    for (const { deviceId, status, outcome, error } of data.deviceJobEnded.deviceJobs) {
      onEnded(`${deviceId}: ${error?.description ?? `${status.toLowerCase()}, status ${outcome?.status ?? 'unknown'}`}`)
    }
  })
  return unsubscribe
}
