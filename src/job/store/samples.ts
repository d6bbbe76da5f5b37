import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../../database/reader.ts'
import type { DeviceJobStatistics } from '../statistics.ts'

/** Maximum number of stored samples of a job. */
export const mostSamples = 200

/**
 * Takes a sample of each job that runs and whose next one is due, and returns when the next is due; undefined when no job
 * runs.
 *
 * A sample belongs to a second of its job, a multiple of the job's interval. So several instances may take samples at
 * once: the second of a job is taken by one of them. The interval is a second at first, and doubles when there would be
 * more than `mostSamples`; then every second sample is removed.
 */
export async function takeSamples(tx: Tx, now: Date): Promise<Date | undefined> {
  const [row] = await tx.query<{ next: Date | null }>(
    sql`with open as (
          select job.*, seconds - seconds % step as second, step
          from job
          cross join lateral (
            select greatest(floor(extract(epoch from ${now}::timestamptz - started_time)), 0)::integer as seconds
          ) age
          cross join lateral (
            select power(2, ceil(log(2, greatest(seconds::numeric / ${mostSamples}::integer, 1))))::integer as step
          ) pace
          where end_time is null and started_time is not null
        ), taken as (
          insert into job_sample (
            job_key, second, time,
            pending_count, running_count, succeeded_count, refused_count, skipped_count, failed_count, cancelled_count
          )
          select key, second, ${now},
                 pending_count, running_count, succeeded_count, refused_count, skipped_count, failed_count, canceled_count
          from open
          where second > 0
          on conflict do nothing
        ), thinned as (
          delete from job_sample sample using open
          where sample.job_key = open.key and step > 1 and sample.second % step > 0
        )
        select min(started_time + (second + step) * interval '1 second') as next from open`,
    'take-samples',
  )
  return row?.next ?? undefined
}

/** The counters of a job at one moment. */
export type JobSample = DeviceJobStatistics & { readonly time: Date }

/** A sample and the key of its job. */
export type KeyedSample = JobSample & { readonly jobKey: string }

/**
 * The samples of these jobs (by their keys), each with the oldest first: the start, the stored ones, and the end or, for
 * an open job, the present. Jobs that have not started, or have no devices, have none.
 */
export function findSamples(
  db: Reader,
  jobKeys: readonly string[],
  _args: undefined,
  now: Date,
): Promise<KeyedSample[]> {
  return db.query<KeyedSample>(
    sql`with started as (
          select * from job where key = any(${jobKeys}::bigint[]) and started_time is not null and device_count > 0
        )
        select job_key as "jobKey", time,
               pending_count + running_count + succeeded_count + failed_count + cancelled_count as "deviceCount",
               pending_count as "pendingCount", running_count as "runningCount", succeeded_count as "succeededCount",
               refused_count as "refusedCount", skipped_count as "skippedCount", failed_count as "failedCount", cancelled_count as "cancelledCount"
        from (
          -- Without the devices that have joined since.
          select key as job_key, 0 as place, started_time as time,
                 device_count - case when targets = 'continuous' then (
                   select coalesce(sum(event.device_count), 0)::integer from job_event event
                   where event.job_key = started.key and event.type = 'devicesJoined'
                 ) else 0 end as pending_count, 0 as running_count,
                 0 as succeeded_count, 0 as refused_count, 0 as skipped_count, 0 as failed_count, 0 as cancelled_count
          from started
          union all
          -- A sample may be taken while the job ends.
          select job_key, second, least(time, end_time), sample.pending_count, sample.running_count,
                 sample.succeeded_count, sample.refused_count, sample.skipped_count, sample.failed_count, cancelled_count
          from started join job_sample sample on job_key = key
          where job_key = any(${jobKeys}::bigint[])
          union all
          select key, null, coalesce(end_time, ${now}),
                 pending_count, running_count, succeeded_count, refused_count, skipped_count, failed_count, canceled_count
          from started
        ) sample
        order by job_key, place nulls last`,
  )
}
