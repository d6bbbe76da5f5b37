import type { DeviceJobStatus, ReadDeviceJobsQuery } from '../../generated/commands/graphql.ts'
import type { HubClient } from '../hub-client.ts'
import { readDeviceJobs } from './documents.ts'

/** The outcome of one device job. */
export type DeviceResult = {
  readonly deviceId: string
  readonly outcome?: { readonly status: number; readonly payload?: unknown } | null
  readonly error?: { readonly code: string; readonly description: string } | null
}

/** Devices whose device jobs ended in the same way. */
export type ResultGroup = {
  /** The status of the answers, or the code of the failures. */
  readonly name: string
  /** The answer of the first device, or the description of its failure. */
  readonly example: string
  readonly deviceIds: readonly string[]
}

/** All device jobs of a job that have this status, read page by page. */
export async function readResults(client: HubClient, jobId: string, status: DeviceJobStatus): Promise<DeviceResult[]> {
  const results: DeviceResult[] = []
  for (let after: string | null | undefined = null; after !== undefined; ) {
    const page: ReadDeviceJobsQuery = await client.execute(readDeviceJobs, { jobId, status: [status], after })
    if (!page.job?.deviceJobs) throw new Error(`The hub has no job ${jobId}.`)
    const { nodes, pageInfo } = page.job.deviceJobs
    results.push(...nodes)
    after = pageInfo.hasNextPage ? (pageInfo.endCursor ?? undefined) : undefined
  }
  return results
}

/** Groups answers by their status, the most frequent first. */
export const groupByStatus = (results: readonly DeviceResult[]): ResultGroup[] =>
  group(results, ({ outcome }) =>
    outcome ? [String(outcome.status), JSON.stringify(outcome.payload ?? null)] : undefined,
  )

/** Groups failures by their code, the most frequent first. */
export const groupByReason = (results: readonly DeviceResult[]): ResultGroup[] =>
  group(results, ({ error }) => (error ? [error.code, error.description] : undefined))

function group(
  results: readonly DeviceResult[],
  keyOf: (result: DeviceResult) => readonly [name: string, example: string] | undefined,
): ResultGroup[] {
  const groups = new Map<string, { name: string; example: string; deviceIds: string[] }>()
  for (const result of results) {
    const [name, example] = keyOf(result) ?? ['unknown', '']
    const known = groups.get(name)
    if (known === undefined) groups.set(name, { name, example, deviceIds: [result.deviceId] })
    else known.deviceIds.push(result.deviceId)
  }
  return [...groups.values()].sort((one, other) => other.deviceIds.length - one.deviceIds.length)
}
