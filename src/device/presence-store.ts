import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../database/client.ts'

/** A connection that began or ended here. `connectionId` names it, so that a late end cannot undo a newer beginning. */
export type PresenceChange = {
  readonly deviceId: string
  readonly connectionId: string
  readonly connected: boolean
  readonly time: Date
}

/** Writes beginnings and ends of connections to this instance, at most one a device. */
export async function savePresence(tx: Tx, changes: readonly PresenceChange[], instanceId: string): Promise<void> {
  await tx.query(
    sql`with change as (
          select * from unnest(
            ${changes.map((change) => change.deviceId)}::text[],
            ${changes.map((change) => change.connectionId)}::text[],
            ${changes.map((change) => change.connected)}::boolean[],
            ${changes.map((change) => change.time)}::timestamptz[]
          ) as change (device_id, connection_id, connected, time)
        ), locked as (
          select id from device where id in (select device_id from change) order by id for update
        )
        update device
        set connection_state = case when change.connected then 'connected' else 'disconnected' end,
            connection_state_updated_time = change.time,
            last_activity_time = greatest(last_activity_time, change.time),
            connection_id = case when change.connected then change.connection_id end,
            instance_id = case when change.connected then ${instanceId} end
        from change join locked on locked.id = change.device_id
        where device.id = change.device_id
          and (change.connected or device.connection_id = change.connection_id)`,
    'save-presence',
  )
}

/** Writes when devices were last heard of; never back in time. */
export async function saveActivity(tx: Tx, activities: ReadonlyMap<string, Date>): Promise<void> {
  await tx.query(
    sql`with activity as (
          select * from unnest(${[...activities.keys()]}::text[], ${[...activities.values()]}::timestamptz[])
            as activity (device_id, time)
        ), locked as (
          select id from device where id in (select device_id from activity) order by id for update
        )
        update device
        set last_activity_time = activity.time
        from activity join locked on locked.id = activity.device_id
        where device.id = activity.device_id
          and (device.last_activity_time is null or device.last_activity_time < activity.time)`,
    'save-activity',
  )
}

/**
 * Writes of up to `limit` devices after `after` that they are not connected to this dead instance any more; answers which,
 * in the order of their ids. Those whose rows others are writing are passed over: mostly, they are being connected anew.
 */
export async function clearPresence(
  tx: Tx,
  instanceId: string,
  { after, limit, now }: { readonly after: string; readonly limit: number; readonly now: Date },
): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    sql`with gone as (
          select id from device
          where instance_id = ${instanceId} and id > ${after}
          order by id
          limit ${limit}
          for update skip locked
        ), cleared as (
          update device
          set connection_state = 'disconnected', connection_state_updated_time = ${now},
              connection_id = null, instance_id = null
          from gone
          where device.id = gone.id
          returning device.id
        )
        select id from cleared order by id`,
  )
  return rows.map((row) => row.id)
}

/** Whether the presence of a device names this instance. */
export async function namesInstance(db: Reader, instanceId: string): Promise<boolean> {
  const [row] = await db.query<{ found: boolean }>(
    sql`select exists (select from device where instance_id = ${instanceId}) as found`,
  )
  return row?.found === true
}

/** A page of the devices whose connection state was written since `time`, by id. */
export async function findPresenceSince(
  db: Reader,
  time: Date,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    sql`select id from device
        where connection_state_updated_time >= ${time} and id > ${after}
        order by id
        limit ${limit}`,
  )
  return rows.map((row) => row.id)
}
