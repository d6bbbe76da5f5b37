import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../database/reader.ts'
import type { WebhookDelivery } from '../generated/prisma/client.ts'
import {
  type DeliveryFailure,
  type DeliveryStatus,
  deliveryFailures,
  deliveryStatuses,
  type WebhookEvent,
  webhookEvents,
} from './event.ts'
import type { MessageJob, MessageTransition } from './message.ts'

/** A delivery as it is stored. */
export type DeliveryRow = Omit<WebhookDelivery, 'event' | 'status' | 'error'> & {
  readonly jobId: string
  readonly event: WebhookEvent
  readonly status: DeliveryStatus
  readonly error: DeliveryFailure | null
}

type StoredDelivery = WebhookDelivery & { readonly jobId: string }

/** The row with the types that its checks give it. */
function rowOf(row: StoredDelivery): DeliveryRow {
  const event = webhookEvents.find((each) => each === row.event)
  const status = deliveryStatuses.find((each) => each === row.status)
  const error = deliveryFailures.find((each) => each === row.error) ?? null
  if (event === undefined || status === undefined) throw new Error(`The delivery ${row.id} is not valid.`)
  return { ...row, event, status, error }
}

const columns = sql`
  webhook_delivery.id, webhook_id as "webhookId", job_key as "jobKey", job_version as "jobVersion", job.id as "jobId", event,
  webhook_delivery.status, webhook_delivery.created_time as "createdTime", queued_time as "queuedTime",
  next_time as "nextTime", attempts, ended_time as "endedTime", error, response_status as "responseStatus",
  response_text as "responseText"`

/** The place of a delivery in the list, which has the newest first. */
export type DeliveryPlace = { readonly createdTime: Date; readonly id: string }

/** The deliveries of a webhook with these statuses after a place, the newest first. */
export async function findDeliveries(
  db: Reader,
  webhookId: string,
  {
    statuses,
    after,
    limit,
  }: {
    readonly statuses: readonly DeliveryStatus[]
    readonly after: DeliveryPlace | undefined
    readonly limit: number
  },
): Promise<DeliveryRow[]> {
  const time = after?.createdTime ?? null
  // For each status, the index has the order.
  const rows = await db.query<StoredDelivery>(
    sql`select ${columns}
        from (
          select found.id
          from unnest(${[...statuses]}::text[]) as wanted (status)
          cross join lateral (
            select id, created_time from webhook_delivery
            where webhook_id = ${webhookId}::uuid and webhook_delivery.status = wanted.status
              and (${time}::timestamptz is null or (created_time, id) < (${time}::timestamptz, ${after?.id ?? null}::uuid))
            order by created_time desc, id desc
            limit ${limit}
          ) found
          order by found.created_time desc, found.id desc
          limit ${limit}
        ) page
        join webhook_delivery on webhook_delivery.id = page.id
        join job on job.key = webhook_delivery.job_key
        order by webhook_delivery.created_time desc, webhook_delivery.id desc`,
  )
  return rows.map(rowOf)
}

/** The delivery with this id, which must be a UUID. */
export async function findDelivery(db: Reader, id: string): Promise<DeliveryRow | undefined> {
  const [row] = await db.query<StoredDelivery>(
    sql`select ${columns}
        from webhook_delivery join job on job.key = webhook_delivery.job_key
        where webhook_delivery.id = ${id}::uuid and exists (select from webhook where webhook.id = webhook_id)`,
  )
  return row && rowOf(row)
}

/**
 * Makes a delivery due. One that had ended begins anew. An attempt under way is then overtaken by another one. False for
 * an unknown delivery, or one of a deleted webhook.
 */
export async function requeueDelivery(tx: Tx, id: string, now: Date): Promise<boolean> {
  const rows = await tx.query(
    sql`update webhook_delivery
        set attempts = case status when 'pending' then attempts else 0 end, status = 'pending', queued_time = ${now},
            next_time = ${now}, ended_time = null
        where id = ${id}::uuid and exists (select from webhook where webhook.id = webhook_id)
        returning id`,
  )
  return rows.length > 0
}

/** A delivery that this process attempts, with what it needs for that. */
export type ClaimedDelivery = {
  readonly id: string
  readonly webhookId: string
  readonly url: string
  /** The secrets to sign with. */
  readonly secrets: readonly string[]
  readonly event: WebhookEvent
  readonly createdTime: Date
  readonly queuedTime: Date
  /** Including this one. */
  readonly attempts: number
  readonly job: MessageJob
  /** The entry of the history that the event is about. Null for an event that is about none. */
  readonly transition: MessageTransition | null
}

/** How many deliveries of a webhook this process attempts now. */
export type UnderWay = ReadonlyMap<string, number>

/**
 * Deliveries that are due, of each webhook as many as bring those under way to `most`. Until `leaseEnd` no other process
 * gets them; after that, whatever became of this process, they are due again.
 */
export async function claimDeliveries(
  tx: Tx,
  {
    now,
    leaseEnd,
    underWay,
    most,
  }: { readonly now: Date; readonly leaseEnd: Date; readonly underWay: UnderWay; readonly most: number },
): Promise<ClaimedDelivery[]> {
  const rows = await tx.query<Omit<ClaimedDelivery, 'job'> & Omit<MessageJob, 'id'> & { readonly jobId: string }>(
    sql`with due as (
          select found.*
          from webhook
          left join unnest(${[...underWay.keys()]}::uuid[], ${[...underWay.values()]}::integer[]) as busy (webhook_id, count)
            on busy.webhook_id = webhook.id
          cross join lateral (
            select id, job_key, job_version from webhook_delivery
            where webhook_id = webhook.id and status = 'pending' and next_time <= ${now}
            order by next_time
            limit greatest(${most}::integer - coalesce(busy.count, 0), 0)
            for update skip locked
          ) found
          where webhook.enabled
        )
        update webhook_delivery
        set next_time = ${leaseEnd}, attempts = attempts + 1
        from webhook,
          due join job on job.key = due.job_key
          left join job_event on due.job_version > 0 and job_event.job_key = due.job_key and job_event.version = due.job_version
        where webhook_delivery.id = due.id and webhook.id = webhook_delivery.webhook_id
        returning webhook_delivery.id, webhook.id as "webhookId", webhook.url, event,
          case when webhook.previous_until > ${now} then array[webhook.secret, webhook.previous_secret]
               else array[webhook.secret] end as secrets,
          webhook_delivery.created_time as "createdTime", queued_time as "queuedTime", attempts,
          job.id as "jobId", job.type, job.status, job.created_by as "createdBy", job.started_time as "startedTime",
          job.end_time as "endTime", job.device_count as "deviceCount", job.pending_count as "pendingCount",
          job.running_count as "runningCount", job.succeeded_count as "succeededCount",
          job.refused_count as "refusedCount", job.skipped_count as "skippedCount", job.failed_count as "failedCount",
          job.canceled_count as "cancelledCount",
          case when job_event.version is not null then json_build_object(
            'version', job_event.version, 'status', job_event.status, 'cause', job_event.cause,
            'actor', job_event.actor, 'reason', job_event.reason
          ) end as transition`,
    'claim-deliveries',
  )
  return rows.map(
    ({ id, webhookId, url, secrets, event, createdTime, queuedTime, attempts, transition, jobId, ...job }) => ({
      ...{ id, webhookId, url, secrets, event, createdTime, queuedTime, attempts, transition },
      job: { id: jobId, ...job },
    }),
  )
}

/** When the next delivery is due, apart from the webhooks with these ids. */
export async function nextDelivery(db: Reader, except: readonly string[]): Promise<Date | undefined> {
  const [row] = await db.query<{ next: Date | null }>(
    sql`select min(found.next_time) as next
        from webhook cross join lateral (
          select next_time from webhook_delivery
          where webhook_id = webhook.id and status = 'pending'
          order by next_time
          limit 1
        ) found
        where webhook.enabled and webhook.id <> all(${[...except]}::uuid[])`,
    'next-delivery',
  )
  return row?.next ?? undefined
}

/** The number of pending deliveries to enabled webhooks. */
export async function countPending(db: Reader): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    sql`select count(*)::integer as count
        from webhook join webhook_delivery on webhook_id = webhook.id
        where webhook.enabled and webhook_delivery.status = 'pending'`,
  )
  return row?.count ?? 0
}

/** The result of an attempt. */
export type AttemptResult = {
  readonly error: DeliveryFailure | null
  readonly responseStatus: number | null
  readonly responseText: string | null
}

/** Saves the end of an attempt: the delivery has ended, or the next attempt is due at `next`. */
export async function saveAttempt(
  tx: Tx,
  { id, attempts }: Pick<ClaimedDelivery, 'id' | 'attempts'>,
  { error, responseStatus, responseText }: AttemptResult,
  { status, time, next }: { readonly status: DeliveryStatus; readonly time: Date; readonly next: Date },
): Promise<void> {
  // An attempt whose lease is over may have been followed by another one, whose result counts.
  await tx.query(
    sql`update webhook_delivery
        set status = ${status}, error = ${error}, response_status = ${responseStatus}, response_text = ${responseText},
            next_time = ${next}, ended_time = case when ${status} <> 'pending' then ${time}::timestamptz end
        where id = ${id}::uuid and status = 'pending' and attempts = ${attempts}`,
    'save-attempt',
  )
}

/** Gives a delivery back whose attempt was broken off, as if it had not been made. */
export async function releaseDelivery(
  tx: Tx,
  { id, attempts }: Pick<ClaimedDelivery, 'id' | 'attempts'>,
  now: Date,
): Promise<void> {
  await tx.query(
    sql`update webhook_delivery set next_time = ${now}, attempts = attempts - 1
        where id = ${id}::uuid and status = 'pending' and attempts = ${attempts}`,
  )
}
