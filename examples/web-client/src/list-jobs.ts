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

/**
 * The jobs that were scheduled last, a line each, and how many jobs there are: null when the hub had no time to count
 * them. Rejects with a CombinedError.
 */
export async function listJobs(client: Client, first: number): Promise<{ lines: string[]; totalCount: number | null }> {
  const { data, error } = await client.query(LatestJobs, { first })
  if (!data?.jobs) throw error
  return { lines: data.jobs.nodes.map((job) => jobRow(job)), totalCount: data.jobs.totalCount ?? null }
}
