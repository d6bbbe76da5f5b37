import { sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import type { Reader } from '../../database/reader.ts'
import type { Scope } from '../../scope.ts'
import type { WaitingAttempts } from '../progress.ts'
import { type DeviceJobKey, hasOutcome, isDispatched, type LaterCall } from './facts.ts'
import { andVisible } from './own-jobs.ts'

/** The place of an attempt among those of its job, in the order in which they ended. */
export type AttemptPlace = { readonly version: number; readonly deviceId: string }

/**
 * The repeated attempts of jobs after a place in each, at most `limit` of a job, and how long the next ones have to wait. Those of a job
 * are in order. A reader that knows a place never finds a new one before it: versions are assigned under the lock on the job's row.
 */
export function findRepeated(
  db: Reader,
  seen: readonly (AttemptPlace & { readonly jobId: string })[],
  limit: number,
): Promise<(LaterCall & AttemptPlace)[]> {
  return db.query<LaterCall & AttemptPlace>(
    sql`select seen.job_id as "jobId", repeated.version, repeated.device_id as "deviceId",
               ceil(1000 * extract(epoch from not_before - clock_timestamp()))::float8 as "waitMs"
        from unnest(
          ${seen.map(({ jobId }) => jobId)}::text[], ${seen.map(({ version }) => version)}::integer[],
          ${seen.map(({ deviceId }) => deviceId)}::text[]
        ) as seen (job_id, version, device_id)
        cross join lateral (
          select version, device_id, not_before from device_job_attempt
          where job_key = (select key from job where id = seen.job_id)
            and (version, device_id) > (seen.version, seen.device_id)
          order by version, device_id
          limit ${limit}
        ) repeated
        order by seen.job_id, repeated.version, repeated.device_id`,
    'find-repeated',
  )
}

/** An attempt that was repeated, or waits to be. */
export type EarlierAttempt = DeviceJobKey & {
  readonly attempt: number
  readonly dispatchedTime: Date
  readonly endedTime: Date
  readonly responseStatus: number | null
  readonly errorCode: string | null
  readonly errorDescription: string | null
  /** When the next attempt may begin. */
  readonly notBefore: Date
}

/** The attempts at these device jobs before the last one, in order, as far as they are visible in the scope. */
export function findEarlierAttempts(
  db: Reader,
  scope: Scope,
  keys: readonly DeviceJobKey[],
): Promise<EarlierAttempt[]> {
  return db.query<EarlierAttempt>(
    sql`select job.id as "jobId", earlier.device_id as "deviceId", attempt, dispatched_time as "dispatchedTime",
               ended_time as "endedTime", response_status as "responseStatus", error_code as "errorCode",
               error_description as "errorDescription", not_before as "notBefore"
        from unnest(
          ${keys.map(({ jobId }) => jobId)}::text[], ${keys.map(({ deviceId }) => deviceId)}::text[]
        ) as given (job_id, device_id)
        join job on job.id = given.job_id
        join device_job_attempt earlier
          on earlier.job_key = job.key and earlier.device_id = given.device_id${andVisible(scope, sql`earlier`)}
        order by attempt`,
  )
}

/**
 * The device jobs of each of these running jobs that wait for the time of another attempt: their number up to `limit`, and the
 * first and the last of the times of those that were counted. Jobs without such device jobs are left out.
 */
export function countWaitingAttempts(
  db: BoundedReader,
  jobIds: readonly string[],
  { limit }: { readonly limit: number },
): Promise<(WaitingAttempts & { readonly jobId: string })[]> {
  return db.query<WaitingAttempts & { jobId: string }>(
    sql`select job.id as "jobId", waiting.count, waiting.next, waiting.last
        from job
        cross join lateral (
          select count(*)::integer as count, min(not_before) as next, max(not_before) as last
          from (
            select not_before from device_job_attempt attempt
            where attempt.job_key = job.key and not_before > clock_timestamp()
              and not ${isDispatched(sql`attempt`)} and not ${hasOutcome(sql`attempt`)}
            order by not_before
            limit ${limit}
          ) counted
        ) waiting
        where job.id = any(${jobIds}) and job.end_time is null and job.status = 'running' and job.rollout ? 'retry'
          and waiting.count > 0`,
  )
}
