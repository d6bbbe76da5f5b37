import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader } from '../../database/reader.ts'
import { hasOutcome, isDispatched } from './facts.ts'

// A job that has started keeps others from its devices, if these give way: until it has ended, those whose device jobs have not.

/** Whether `job`, which has not started, waits for another one. Without one, nothing is looked up. */
export const isAwaiting = sql`(
  job.waits_for is not null and exists (
    select from job other
    where other.key = job.waits_for and other.end_time is null and other.pending_count + other.running_count > 0
  )
)`

/** Whether `job` need not look again yet. The other job may have left the devices of this one long before its end. */
export const isAsleep = sql`(
  ${isAwaiting} and coalesce(job.looked_time > clock_timestamp() - interval '1 minute', false)
)`

/** A job that has started. `deviceCount` grows when devices join it. */
export type StartedJob = { readonly id: string; readonly key: string; readonly deviceCount: number }

/** The jobs that have started and have open device jobs, the one that has run longest first. */
export function findStartedJobs(db: Reader): Promise<StartedJob[]> {
  return db.query<StartedJob>(
    sql`select id, key, device_count as "deviceCount" from job
        where end_time is null and started_time is not null and pending_count + running_count > 0
        order by started_time, id`,
    'find-started-jobs',
  )
}

const [mine, theirs] = [sql`mine`, sql`theirs`]

/**
 * The first of these jobs that has an open device job of a device of the job with this key. Of two jobs, the devices of the
 * smaller one are looked up in the other. `deviceCount` is that of the job; left out when the job has stored it.
 */
export async function findFirstOverlap(
  db: Reader,
  key: string,
  deviceCount: number | undefined,
  others: readonly StartedJob[],
): Promise<StartedJob | undefined> {
  // A scalar subquery is a lookup for each row; for a join PostgreSQL might read the whole job, of which it has no statistics yet.
  const isOpen = sql`(not ${hasOutcome(theirs)} and (other.status <> 'cancelled' or ${isDispatched(theirs)}))`
  const [row] = await db.query<{ key: string }>(
    sql`select other.key
        from (
          select job.key, job.status, job.device_count
          from unnest(${others.map((other) => other.key)}::bigint[]) with ordinality as started (key, place)
          join job on job.key = started.key
          order by place
        ) other
        where case
          when other.device_count < coalesce(
            ${deviceCount ?? null}::integer, (select device_count from job where job.key = ${key}::bigint)
          ) then exists (
            select from device_job ${theirs}
            where theirs.job_key = other.key and ${isOpen} and (
              select true from device_job ${mine}
              where mine.job_key = ${key}::bigint and mine.device_id = theirs.device_id
            )
          )
          else exists (
            select from device_job ${mine}
            where mine.job_key = ${key}::bigint and (
              select true from device_job ${theirs}
              where theirs.job_key = other.key and theirs.device_id = mine.device_id and ${isOpen}
            )
          )
        end
        limit 1`,
    'find-first-overlap',
  )
  return others.find((other) => other.key === row?.key)
}

/** For those of these jobs that wait for another one, the id of that job. */
export function findAwaitedJobs(
  db: Reader,
  jobIds: readonly string[],
): Promise<{ readonly jobId: string; readonly awaitedId: string }[]> {
  return db.query(
    sql`select job.id as "jobId", awaited.id as "awaitedId"
        from job join job awaited on awaited.key = job.waits_for
        where job.id = any(${jobIds}) and ${isAwaiting}`,
  )
}
