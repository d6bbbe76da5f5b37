import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Db } from '../database/client.ts'
import type { Reader, Tx } from '../database/reader.ts'
import type { Webhook } from '../generated/prisma/client.ts'
import { type WebhookEvent, webhookEvents } from './event.ts'
import type { WebhookSettings } from './request.ts'

/** A webhook as it is stored, without its secrets. */
export type WebhookRow = WebhookSettings & {
  readonly id: string
  /** Why the hub disabled it. Null when a client did. */
  readonly disabledReason: string | null
  readonly createdTime: Date
  readonly createdBy: string
}

/** The row with the types that its checks give it, without its secrets. */
function rowOf({ secret: _secret, previousSecret: _previous, previousUntil: _until, ...row }: Webhook): WebhookRow {
  const events = row.events.filter((event): event is WebhookEvent => webhookEvents.some((known) => known === event))
  return { ...row, events }
}

/** The place of a webhook in the list, which has the oldest first. */
export type WebhookPlace = { readonly createdTime: Date; readonly id: string }

/** The webhooks after a place, the oldest first. */
export async function findWebhooks(
  { prisma }: Pick<Db, 'prisma'>,
  { after, limit }: { readonly after: WebhookPlace | undefined; readonly limit: number },
): Promise<WebhookRow[]> {
  const beyond = after && {
    OR: [{ createdTime: { gt: after.createdTime } }, { createdTime: after.createdTime, id: { gt: after.id } }],
  }
  const rows = await prisma.webhook.findMany({
    ...(beyond && { where: beyond }),
    orderBy: [{ createdTime: 'asc' }, { id: 'asc' }],
    take: limit,
  })
  return rows.map(rowOf)
}

/** The webhook with this id, which must be a UUID. */
export async function findWebhook({ prisma }: Pick<Db, 'prisma'>, id: string): Promise<WebhookRow | undefined> {
  const row = await prisma.webhook.findUnique({ where: { id } })
  return row === null ? undefined : rowOf(row)
}

/** Until the transaction ends, no other one adds webhooks. Returns their number. */
export async function lockNumberOfWebhooks(tx: Tx): Promise<number> {
  await tx.query(sql`select pg_advisory_xact_lock(hashtext('twincast create webhook'))`)
  return countWebhooks(tx)
}

/** The number of webhooks. */
export async function countWebhooks(db: Reader): Promise<number> {
  const [row] = await db.query<{ count: number }>(sql`select count(*)::integer as count from webhook`)
  return row?.count ?? 0
}

/** A new webhook with its secret. */
export type NewWebhook = Omit<WebhookRow, 'disabledReason'> & { readonly secret: string }

export async function insertWebhook(tx: Tx, webhook: NewWebhook): Promise<void> {
  const { id, url, events, failureShare, minimumDevices, description, enabled, secret } = webhook
  await tx.query(
    sql`insert into webhook (
          id, url, events, failure_share, minimum_devices, description, enabled, secret, created_time, created_by
        )
        values (
          ${id}::uuid, ${url}, ${[...events]}, ${failureShare}, ${minimumDevices}, ${description}, ${enabled}, ${secret},
          ${webhook.createdTime}, ${webhook.createdBy}
        )`,
  )
}

/** Locks the settings of a webhook for a change. */
export async function lockWebhook(tx: Tx, id: string): Promise<WebhookSettings | undefined> {
  const [row] = await tx.query<WebhookSettings>(
    sql`select url, events, failure_share as "failureShare", minimum_devices as "minimumDevices", description, enabled
        from webhook where id = ${id}::uuid for no key update`,
  )
  return row
}

/** Saves the settings of a locked webhook. A webhook that is enabled is no longer disabled for a reason. */
export async function saveWebhook(tx: Tx, id: string, settings: WebhookSettings): Promise<void> {
  const { url, events, failureShare, minimumDevices, description, enabled } = settings
  await tx.query(
    sql`update webhook
        set url = ${url}, events = ${[...events]}, failure_share = ${failureShare},
            minimum_devices = ${minimumDevices}, description = ${description}, enabled = ${enabled},
            disabled_reason = case when ${enabled}::boolean then null else disabled_reason end
        where id = ${id}::uuid`,
  )
}

/** Replaces the secret. Until a time, messages are also signed with the one before. False for an unknown webhook. */
export async function saveSecret(
  tx: Tx,
  id: string,
  { secret, previousUntil }: { readonly secret: string; readonly previousUntil: Date },
): Promise<boolean> {
  const rows = await tx.query(
    sql`update webhook set previous_secret = secret, previous_until = ${previousUntil}, secret = ${secret}
        where id = ${id}::uuid
        returning id`,
  )
  return rows.length > 0
}

/** Its deliveries can no longer be read, and are deleted with their jobs. False for an unknown webhook. */
export async function removeWebhook(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx.query(sql`delete from webhook where id = ${id}::uuid returning id`)
  return rows.length > 0
}

/** Disables a webhook unless its URL was changed in the meantime. */
export async function disableWebhook(
  tx: Tx,
  { id, url, reason }: { readonly id: string; readonly url: string; readonly reason: string },
): Promise<void> {
  await tx.query(
    sql`update webhook set enabled = false, disabled_reason = ${reason}
        where id = ${id}::uuid and url = ${url} and enabled`,
  )
}
