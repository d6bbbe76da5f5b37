import { sqltag as sql } from '@prisma/client/runtime/client'
import { isAlive } from '../database/instance-lease.ts'
import type { Reader, Tx } from '../database/reader.ts'
import { identityVersion } from './store.ts'

/**
 * A connection that began or ended here. `connectionId` identifies it, so that a late end cannot undo a newer
 * beginning.
 */
export type PresenceChange = {
  readonly deviceId: string
  readonly connectionId: string
  readonly connected: boolean
  /**
   * The model that the device announced with its connection; empty for no model, undefined to keep the previous one.
   */
  readonly modelId?: string
  /** Skipped if the device is connected to a living instance by now. */
  readonly onlyIfFree?: boolean
  readonly time: Date
}

/** A connection that the row of its device now names. */
export type Begun = {
  /** The version of the device's desired properties at that moment. */
  readonly desiredVersion: number
}

type WrittenRow = {
  readonly connectionId: string
  readonly connected: boolean
  readonly desiredVersion: number | null
  /** The connection that the row named before, to another instance. */
  readonly replacedId: string | null
}

/**
 * The result of writing presence: which connections began, and which connections to other instances must end for them.
 */
export type PresenceWritten = { readonly begun: ReadonlyMap<string, Begun>; readonly replaced: readonly string[] }

/**
 * Writes beginnings and ends of connections to this instance, at most one per device. Nothing begins when this instance
 * is not alive: others may be cleaning up after it, and the lease must not end between the check and the commit.
 */
export async function savePresence(
  tx: Tx,
  changes: readonly PresenceChange[],
  instanceId: string,
): Promise<PresenceWritten> {
  const rows = await tx.query<WrittenRow>(
    sql`with change as (
          select * from unnest(
            ${changes.map((change) => change.deviceId)}::text[],
            ${changes.map((change) => change.connectionId)}::text[],
            ${changes.map((change) => change.connected)}::boolean[],
            ${changes.map((change) => change.modelId ?? null)}::text[],
            ${changes.map((change) => change.onlyIfFree === true)}::boolean[],
            ${changes.map((change) => change.time)}::timestamptz[]
          ) as change (device_id, connection_id, connected, model_id, only_if_free, time)
        ), alive as (
          select from instance where id = ${instanceId} and lease_until > statement_timestamp() for key share
        ), locked as (
          select id, connection_id, instance_id from device
          where id in (select device_id from change) order by id for update
        )
        update device
        set connection_state = case when change.connected then 'connected' else 'disconnected' end,
            connection_state_updated_time = change.time,
            last_activity_time = greatest(last_activity_time, change.time),
            connection_id = case when change.connected then change.connection_id end,
            instance_id = case when change.connected then ${instanceId} end,
            model_id = coalesce(change.model_id, device.model_id)
        from change
        join locked on locked.id = change.device_id
        left join twin on change.connected and twin.device_id = change.device_id
        where device.id = change.device_id
          and case when change.connected then exists (select from alive)
                else device.connection_id = change.connection_id end
          and not (change.only_if_free and device.instance_id is not null and ${isAlive(sql`device.instance_id`)})
        returning change.connection_id as "connectionId", change.connected, twin.desired_version as "desiredVersion",
          case when locked.instance_id <> ${instanceId} then nullif(locked.connection_id, change.connection_id) end as "replacedId"`,
    'save-presence',
  )
  const began = rows.filter(({ connected }) => connected)
  return {
    begun: new Map(
      began.map(({ connectionId, desiredVersion }) => [connectionId, { desiredVersion: desiredVersion ?? 0 }]),
    ),
    replaced: began.flatMap(({ replacedId }) => replacedId ?? []),
  }
}

/** A connection, and the identity of its device that was authenticated. */
export type Held = { readonly id: string; readonly deviceId: string; readonly identity: string }

/** A difference between a connection here and the row of its device. */
export type Deviation = {
  readonly connectionId: string
  /** The device was changed, deleted, or created again. */
  readonly identityChanged: boolean
  /**
   * Where it is connected: to this instance, by this or a newer connection; to another living instance; or to neither.
   */
  readonly named: 'here' | 'elsewhere' | 'nowhere'
}

/** The connections to this instance that differ from the rows of their devices. */
export function findDeviations(db: Reader, connections: readonly Held[], instanceId: string): Promise<Deviation[]> {
  return db.query<Deviation>(
    sql`select held.connection_id as "connectionId",
               device.id is null or held.identity <> ${identityVersion} as "identityChanged",
               case when device.instance_id = ${instanceId} then 'here'
                    when ${isAlive(sql`device.instance_id`)} then 'elsewhere'
                    else 'nowhere' end as named
        from unnest(
          ${connections.map(({ id }) => id)}::text[],
          ${connections.map(({ deviceId }) => deviceId)}::text[],
          ${connections.map(({ identity }) => identity)}::text[]
        ) as held (connection_id, device_id, identity)
        left join device on device.id = held.device_id
        where device.id is null or held.identity <> ${identityVersion} or device.instance_id is distinct from ${instanceId}`,
    'find-deviations',
  )
}

/** Writes when devices were last active; never back in time. */
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
 * Clears the presence of up to `limit` devices after `after` that name this dead instance. Returns them in the order of
 * their ids. Rows that other transactions are writing are skipped: most of those devices are reconnecting.
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

/** The living instance that a device is connected to; undefined when there is none, and for an unknown device. */
export async function findInstanceOf(db: Reader, deviceId: string): Promise<string | undefined> {
  const [row] = await db.query<{ instanceId: string }>(
    sql`select instance_id as "instanceId" from device where id = ${deviceId} and ${isAlive(sql`device.instance_id`)}`,
    'find-instance-of-device',
  )
  return row?.instanceId
}
