import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { Tx } from '../../database/reader.ts'

// The outbox of webhooks: a delivery for each webhook that gets an event of a job. It is written by the statement that
// moves the job, so no event is lost, and none is sent of a change that was rolled back. Reading the events from the
// history afterwards would write less, but it would have to wait for the oldest open transaction, which may be one that
// selects the devices of a large job. Without webhooks, a transition reads an empty table.
//
// Pauses and resumptions are not written here, but by the trigger `queue_pause` of the history, which every pause passes.

/** What `queueMoved` needs of the rows of `moved`, in addition to their `key`. */
export const movedColumns = sql`
  job.end_time, job.succeeded_count, job.refused_count, job.failed_count`

/** Whether the failures of a `job` exceed the threshold of `webhook`. Refused device jobs are counted as succeeded, too. */
const exceeds = (job: Sql): Sql => sql`(
  ${job}.succeeded_count + ${job}.failed_count >= webhook.minimum_devices
  and ${job}.refused_count + ${job}.failed_count
      > webhook.failure_share * (${job}.succeeded_count + ${job}.failed_count)
)`

/** The part of a statement that writes the outbox for each row of its part `moved`. `isStart`: unless it has ended, the job was started. */
export const queueMoved = ({ time, isStart = false }: { readonly time: Date; readonly isStart?: boolean }): Sql => sql`
  insert into webhook_delivery (webhook_id, job_key, event, created_time, queued_time, next_time)
  select webhook.id, moved.key, event, ${time}::timestamptz, ${time}::timestamptz, ${time}::timestamptz
  from moved, webhook, unnest(webhook.events) as event
  where webhook.enabled
    and case event
          when 'job.started' then ${isStart}::boolean and moved.end_time is null
          when 'job.ended' then moved.end_time is not null
          when 'job.threshold' then moved.end_time is not null and ${exceeds(sql`moved`)}
        end
  on conflict do nothing`

/**
 * Writes the outbox for the open jobs whose failures exceed the threshold of a webhook. A job that ends is judged by
 * the statement that ends it. `isAnyLeft`: there are open jobs that may still exceed one.
 */
export async function queueExceeded(
  tx: Tx,
  now: Date,
): Promise<{ readonly queued: number; readonly isAnyLeft: boolean }> {
  const [row] = await tx.query<{ queued: number; isAnyLeft: boolean }>(
    sql`with queued as (
          insert into webhook_delivery (webhook_id, job_key, event, created_time, queued_time, next_time)
          select webhook.id, job.key, 'job.threshold', ${now}, ${now}, ${now}
          from webhook join job on job.end_time is null and job.started_time is not null and ${exceeds(sql`job`)}
          where webhook.enabled and 'job.threshold' = any(webhook.events)
          on conflict do nothing
          returning id
        )
        select (select count(*)::integer from queued) as queued,
               exists (select from webhook where enabled and 'job.threshold' = any(events))
               and exists (select from job where end_time is null and started_time is not null) as "isAnyLeft"`,
    'queue-exceeded-thresholds',
  )
  return row ?? { queued: 0, isAnyLeft: false }
}
