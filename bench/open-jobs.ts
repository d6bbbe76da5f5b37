import type { HubClient } from '../src/cli/hub-client.ts'
import { graphql } from '../src/generated/graphql/gql.ts'

const OpenJobs = graphql(/* GraphQL */ `
  query BenchOpenJobs {
    jobs(first: 100, filter: { status: [SCHEDULED, QUEUED, RUNNING] }) {
      nodes {
        jobId
      }
    }
  }
`)

const CancelJob = graphql(/* GraphQL */ `
  mutation BenchCancelJob($input: CancelJobInput!) {
    cancelJob(input: $input) {
      __typename
    }
  }
`)

/** Cancels all jobs that have not ended. */
export async function cancelOpenJobs({ execute }: HubClient): Promise<void> {
  for (;;) {
    const { jobs } = await execute(OpenJobs, {})
    if (!jobs || jobs.nodes.length === 0) return
    // One that has ended meanwhile is a conflict, and not open at the next look.
    for (const { jobId } of jobs.nodes) await execute(CancelJob, { input: { jobId } })
  }
}
