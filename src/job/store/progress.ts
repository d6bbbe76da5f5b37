import { empty, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import { type RecentOutcomes, rateWindow, type Waiting } from '../progress.ts'
import { isAwaiting } from './awaited-jobs.ts'
import { neverCalled, rowsOf } from './device-job-list.ts'
import { cancelledCode } from './device-jobs.ts'
import { hasVersion, isInOpenWave, isInOpenWindow, target } from './facts.ts'
import { connectBegin } from './jobs.ts'

type OfJob<Value> = Value & { readonly jobId: string }

/**
 * Maximum number of outcomes read to determine the rate of a job: several batches, about as many as the fastest job has
 * in a second.
 */
const mostOutcomes = 5_000

/** The newest outcomes of each of these jobs, within the window. What was cancelled says nothing about the rate. */
export function findRecentOutcomes(
  db: BoundedReader,
  jobIds: readonly string[],
  _args: undefined,
  now: Date,
): Promise<OfJob<RecentOutcomes>[]> {
  return db.query<OfJob<RecentOutcomes>>(
    sql`select job.id as "jobId", recent.*
        from job
        cross join lateral (
          select count(*)::integer as count, min(ended_time) as since, count(*) = ${mostOutcomes} as "isCapped"
          from (
            select ended_time from device_job_outcome o
            where o.job_key = job.key and ${hasVersion(sql`o`)} and o.error_code is distinct from ${cancelledCode}
            order by version desc
            limit ${mostOutcomes}
          ) newest
          where ended_time > ${new Date(now.getTime() - rateWindow)}
        ) recent
        where job.id = any(${jobIds})`,
  )
}

/**
 * The place of each of these jobs among the queued jobs, in the order in which they will start; 1 is next. Those that wait for
 * another job have none.
 */
export function findQueuePositions(
  db: BoundedReader,
  jobIds: readonly string[],
): Promise<OfJob<{ readonly position: number }>[]> {
  return db.query<OfJob<{ position: number }>>(
    sql`select queue.id as "jobId", queue.position
        from (
          select id, row_number() over (order by start_time, created_time, id)::integer as position
          from job
          where end_time is null and status = 'queued' and not ${isAwaiting}
        ) queue
        where queue.id = any(${jobIds})`,
  )
}

/**
 * How many pending device jobs of each of these jobs wait for a device that is not connected, counted up to `limit`,
 * and until when they wait. For running method jobs; others are left out.
 */
export function countNotConnected(
  db: BoundedReader,
  jobIds: readonly string[],
  { limit }: { readonly limit: number },
): Promise<OfJob<Waiting>[]> {
  const away = neverCalled(
    sql`not exists (select from device d where d.id = target.device_id and d.connection_state = 'connected')`,
    isInOpenWave(target),
    sql`(not job.has_window or ${isInOpenWindow(target)})`,
  )
  return db.query<OfJob<Waiting>>(
    sql`select job.id as "jobId", away.count, away.count = ${limit} as "isCapped",
               case when wait.seconds > 0 then least(job.deadline, ${connectBegin} + make_interval(secs => wait.seconds))
                    else job.deadline end as until
        from job
        cross join lateral (select (job.request ->> 'connectTimeoutInSeconds')::integer as seconds) wait
        cross join lateral (
          select count(*)::integer as count from ${rowsOf(away, empty, sql`limit ${limit}`)} target
        ) away
        where job.id = any(${jobIds}) and job.end_time is null and job.status = 'running'
          and job.type = 'scheduleDeviceMethod' and job.pending_count > 0`,
  )
}

/**
 * How many pending device jobs of each of these jobs wait only for others of their group: their wave is open, the device is
 * connected, and the group has as many calls in progress as the budget allows. Counted up to `limit`. Jobs without a budget are left out.
 */
export function countInFullGroups(
  db: BoundedReader,
  jobIds: readonly string[],
  { limit }: { readonly limit: number },
): Promise<OfJob<{ readonly count: number }>[]> {
  const isGroupFull = sql`exists (
    select from budget_group
    where budget_group.job_key = job.key and budget_group.group_key = target.group_key
      and budget_group.running_count >= job.budget_max_concurrent
  )`
  const waiting = neverCalled(
    isGroupFull,
    isInOpenWave(target),
    sql`(not job.has_window or ${isInOpenWindow(target)})`,
    sql`exists (select from device d where d.id = target.device_id and d.connection_state = 'connected')`,
  )
  return db.query<OfJob<{ count: number }>>(
    sql`select job.id as "jobId", waiting.count
        from job
        cross join lateral (
          select count(*)::integer as count from ${rowsOf(waiting, empty, sql`limit ${limit}`)} target
        ) waiting
        where job.id = any(${jobIds}) and job.end_time is null and job.status = 'running'
          and job.budget_max_concurrent is not null`,
  )
}
