import type { Client } from '@urql/core'
import { graphql } from './generated/index.ts'
import { jobRow } from './job-row.ts'

const LatestJobs = graphql(/* GraphQL */ `
  query LatestJobs($first: Int!) {
    jobs(first: $first) {
      totalCount
      nodes {
        id
        ...JobRow
      }
    }
  }
`)

/** The jobs that were scheduled last, a line each, and how many jobs there are. Rejects with a CombinedError. */
export async function listJobs(client: Client, first: number): Promise<{ lines: string[]; totalCount: number }> {
  const { data, error } = await client.query(LatestJobs, { first })
  if (!data?.jobs) throw error
  const lines = data.jobs.nodes.map((job) => jobRow(job))
  // Null when the hub had no time to count them.
  return { lines, totalCount: data.jobs.totalCount ?? lines.length }
}
