import type { Client } from 'urql'
import { JobEndedDocument } from './documents.ts'
import type { Ended } from './progress-chart/samples.ts'

/** The maximum number of devices of a job whose device jobs are read for the chart. */
export const maxChartedDevices = 2_000

/**
 * The ended device jobs of a small job, in the order of their end times; empty for a large job, and when they cannot be
 * read.
 */
export async function readEndedDeviceJobs(client: Client, jobId: string): Promise<readonly Ended[]> {
  const ended: Ended[] = []
  let after: string | null = null
  do {
    const variables: { jobId: string; after: string | null } = { jobId, after }
    const answer = await client.query(JobEndedDocument, variables, { requestPolicy: 'network-only' }).toPromise()
    const list = answer.data?.job?.deviceJobs
    if (!list || list.totalCount === null || list.totalCount > maxChartedDevices) return []
    ended.push(...list.nodes)
    after = list.pageInfo.hasNextPage ? (list.pageInfo.endCursor ?? null) : null
  } while (after !== null)
  return ended
}
