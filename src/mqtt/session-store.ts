import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../database/reader.ts'

/** The granted filters of a device, with their QoS. */
export type Subscriptions = Readonly<Record<string, number>>

/** The stored sessions of these devices. */
export async function findSessions(db: Reader, deviceIds: readonly string[]): Promise<Map<string, Subscriptions>> {
  const rows = await db.query<{ deviceId: string; subscriptions: Subscriptions }>(
    sql`select device_id as "deviceId", subscriptions from mqtt_session where device_id = any(${deviceIds})`,
    'find-mqtt-sessions',
  )
  return new Map(rows.map(({ deviceId, subscriptions }) => [deviceId, subscriptions]))
}

/** Stores sessions as they are now, each device at most once. Sessions of deleted devices are skipped. */
export async function saveSessions(tx: Tx, sessions: ReadonlyMap<string, Subscriptions>, now: Date): Promise<void> {
  await tx.query(
    sql`insert into mqtt_session (device_id, subscriptions, updated_time)
        select id, given.subscriptions, ${now}
        from unnest(
          ${[...sessions.keys()]}::text[],
          ${[...sessions.values()].map((subscriptions) => JSON.stringify(subscriptions))}::jsonb[]
        ) as given (id, subscriptions)
        join device using (id)
        order by id
        on conflict (device_id) do update
        set subscriptions = excluded.subscriptions, updated_time = excluded.updated_time
        where mqtt_session.subscriptions <> excluded.subscriptions`,
    'save-mqtt-sessions',
  )
}

/** Deletes the sessions of these devices, if any. */
export async function removeSessions(tx: Tx, deviceIds: readonly string[]): Promise<void> {
  await tx.query(sql`delete from mqtt_session where device_id = any(${deviceIds})`, 'remove-mqtt-sessions')
}
