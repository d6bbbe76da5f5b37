import type { Client } from '@urql/core'
import type { JobOutcome } from './generated/graphql.ts'
import { graphql } from './generated/index.ts'
import { progress } from './job-row.ts'

const FollowJob = graphql(/* GraphQL */ `
  subscription FollowJob($jobId: String!, $after: Int) {
    deviceJobStatistics(jobId: $jobId, after: $after) {
      version
      deviceJobStatistics {
        ...Progress
      }
      job {
        outcome
      }
    }
  }
`)

/**
 * Follows a job to its end and answers its outcome. Calls `onProgress` with how far it is, first at once. After a lost
 * connection, it continues with what has changed since. Rejects with a CombinedError. After an abort, nothing follows.
 */
export function followJob(
  client: Client,
  jobId: string,
  onProgress: (line: string) => void,
  signal?: AbortSignal,
): Promise<JobOutcome> {
  return new Promise((resolve, reject) => {
    let latest = ''
    const { unsubscribe } = client.subscription(FollowJob, { jobId, after: null }).subscribe(({ data, error }) => {
      if (error !== undefined) {
        reject(error)
        return
      }
      if (!data) return
      const { deviceJobStatistics, job } = data.deviceJobStatistics
      const line = deviceJobStatistics ? progress(deviceJobStatistics) : latest
      // After a reconnection the first event may say what is known already.
      if (line !== latest) onProgress(line)
      latest = line
      if (!job.outcome) return
      resolve(job.outcome)
      // Not in here, where the end of this subscription may not be known yet.
      queueMicrotask(() => unsubscribe())
    })
    signal?.addEventListener('abort', () => unsubscribe())
  })
}
