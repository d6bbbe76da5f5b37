import type { HubClient } from '../hub-client.ts'
import { addsUp, hasEnded, type Progress } from '../job-progress.ts'
import { FollowDemoJob } from './documents.ts'

/** The updates of a subscription break a guarantee of the hub. */
export class UnexpectedProgressError extends Error {
  override readonly name = 'UnexpectedProgressError'
}

/** A job that has ended. Times are ISO 8601. */
export type EndedJob = Progress & { readonly startTime: string; readonly endTime: string | null }

/**
 * Follows a job until its subscription ends, which happens when the job has ended. Each update is checked against the
 * guarantees of the hub: the counters add up, versions only grow, and the last update has a final status.
 */
export async function followJob(
  client: HubClient,
  jobId: string,
  onProgress: (progress: Progress) => void,
): Promise<EndedJob> {
  let last: (EndedJob & { readonly version: number }) | undefined
  for await (const { deviceJobStatistics } of client.subscribe(FollowDemoJob, { jobId })) {
    const { version, job, deviceJobStatistics: counts } = deviceJobStatistics
    if (!counts) throw unexpected(jobId, 'the hub does not show its statistics to this client')
    const { status, startTime } = job
    const update = {
      jobId,
      version,
      status,
      outcome: job.outcome ?? null,
      startTime: String(startTime),
      endTime: job.endTime ? String(job.endTime) : null,
      counts,
    }
    if (!addsUp(counts)) throw unexpected(jobId, `the counters do not add up: ${JSON.stringify(counts)}`)
    if (last !== undefined && version <= last.version) {
      throw unexpected(jobId, `version ${version} came after ${last.version}`)
    }
    last = update
    onProgress(update)
  }
  if (last === undefined) throw unexpected(jobId, 'no update arrived')
  if (!hasEnded(last)) throw unexpected(jobId, `the last update has the status ${last.status}, which is not final`)
  return last
}

const unexpected = (jobId: string, what: string): UnexpectedProgressError =>
  new UnexpectedProgressError(`The statistics of the job ${jobId} are wrong: ${what}.`)
