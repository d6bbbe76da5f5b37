import { empty, Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../database/client.ts'
import type { JsonObject } from '../json.ts'
import { type Authentication, type DeviceStatus, type StoredAuthentication, storedAuthentication } from './identity.ts'

/** A device about to be created, with the twin it starts with. */
export type NewDevice = {
  readonly id: string
  readonly generationId: string
  readonly status: DeviceStatus
  readonly statusReason: string | null
  readonly authentication: Authentication
  readonly tags: JsonObject
  readonly desired: JsonObject
  readonly desiredMetadata: JsonObject
  readonly desiredVersion: number
  readonly reportedMetadata: JsonObject
}

/** What decides whether a device may come in, and whether a write of its identity may happen. */
export type Identity = {
  readonly id: string
  readonly etagVersion: number
  readonly status: DeviceStatus
  readonly statusReason: string | null
  readonly authentication: Authentication
}

/** The authentication in a device's columns. */
export function authenticationOf(row: StoredAuthentication): Authentication {
  const { authenticationType: type, primaryKey, secondaryKey, primaryThumbprint, secondaryThumbprint } = row
  switch (type) {
    case 'sas':
      return { type, symmetricKey: { primaryKey: primaryKey ?? '', secondaryKey: secondaryKey ?? '' } }
    case 'selfSigned':
      return { type, x509Thumbprint: { primaryThumbprint, secondaryThumbprint } }
    case 'certificateAuthority':
    case 'none':
      return { type }
  }
}

/**
 * Creates the devices that do not exist yet and their twins, in one statement; answers the ids it created. The twin is
 * another folder's table: this is the one place that writes it beside that folder, so that no device is without one.
 */
export async function insertDevices(tx: Tx, devices: readonly NewDevice[], now: Date): Promise<Set<string>> {
  const columns = devices.map((device) => storedAuthentication(device.authentication))
  const rows = await tx.query<{ id: string }>(
    sql`with given as (
          select * from unnest(
            ${devices.map((device) => device.id)}::text[],
            ${devices.map((device) => device.generationId)}::text[],
            ${devices.map((device) => device.status)}::text[],
            ${devices.map((device) => device.statusReason)}::text[],
            ${columns.map((column) => column.authenticationType)}::text[],
            ${columns.map((column) => column.primaryKey)}::text[],
            ${columns.map((column) => column.secondaryKey)}::text[],
            ${columns.map((column) => column.primaryThumbprint)}::text[],
            ${columns.map((column) => column.secondaryThumbprint)}::text[],
            ${devices.map((device) => JSON.stringify(device.tags))}::jsonb[],
            ${devices.map((device) => JSON.stringify(device.desired))}::jsonb[],
            ${devices.map((device) => JSON.stringify(device.desiredMetadata))}::jsonb[],
            ${devices.map((device) => device.desiredVersion)}::integer[],
            ${devices.map((device) => JSON.stringify(device.reportedMetadata))}::jsonb[]
          ) as given (
            id, generation_id, status, status_reason, authentication_type, primary_key, secondary_key,
            primary_thumbprint, secondary_thumbprint, tags, desired, desired_metadata, desired_version, reported_metadata
          )
        ), created as (
          insert into device (
            id, generation_id, status, status_reason, authentication_type, primary_key, secondary_key,
            primary_thumbprint, secondary_thumbprint, created_time
          )
          select id, generation_id, status, status_reason, authentication_type, primary_key, secondary_key,
                 primary_thumbprint, secondary_thumbprint, ${now}
          from given
          order by id
          on conflict do nothing
          returning id
        ), twins as (
          insert into twin (device_id, tags, desired, desired_metadata, desired_version, reported_metadata)
          select id, tags, desired, desired_metadata, desired_version, reported_metadata
          from given join created using (id)
        )
        select id from created`,
  )
  return new Set(rows.map((row) => row.id))
}

type IdentityRow = Omit<Identity, 'authentication'> & StoredAuthentication

async function selectIdentity(db: Reader, id: string, lock: Sql): Promise<Identity | undefined> {
  const [row] = await db.query<IdentityRow>(
    sql`select id, etag_version as "etagVersion", status, status_reason as "statusReason",
               authentication_type as "authenticationType", primary_key as "primaryKey",
               secondary_key as "secondaryKey", primary_thumbprint as "primaryThumbprint",
               secondary_thumbprint as "secondaryThumbprint"
        from device
        where id = ${id} ${lock}`,
    lock === empty ? 'find-identity' : 'lock-identity',
  )
  if (row === undefined) return undefined
  const { etagVersion, status, statusReason } = row
  return { id, etagVersion, status, statusReason, authentication: authenticationOf(row) }
}

export function findIdentity(db: Reader, id: string): Promise<Identity | undefined> {
  return selectIdentity(db, id, empty)
}

export function lockIdentity(tx: Tx, id: string): Promise<Identity | undefined> {
  return selectIdentity(tx, id, sql`for update`)
}

/** Which of these devices there are. */
export async function findExistingIds(db: Reader, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db.query<{ id: string }>(sql`select id from device where id = any(${ids})`)
  return new Set(rows.map((row) => row.id))
}

/** Writes the whole identity; its etag moves on. */
export async function saveIdentity(tx: Tx, device: Identity, statusChanged: boolean, now: Date): Promise<void> {
  const columns = storedAuthentication(device.authentication)
  await tx.query(
    sql`update device
        set etag_version = etag_version + 1,
            status = ${device.status},
            status_reason = ${device.statusReason},
            status_updated_time = case when ${statusChanged} then ${now} else status_updated_time end,
            authentication_type = ${columns.authenticationType},
            primary_key = ${columns.primaryKey},
            secondary_key = ${columns.secondaryKey},
            primary_thumbprint = ${columns.primaryThumbprint},
            secondary_thumbprint = ${columns.secondaryThumbprint}
        where id = ${device.id}`,
  )
}

/** The twin goes with it, by its foreign key. */
export async function removeDevice(tx: Tx, id: string): Promise<void> {
  await tx.query(sql`delete from device where id = ${id}`)
}

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
            last_activity_time = change.time,
            connection_id = case when change.connected then change.connection_id end,
            instance_id = case when change.connected then ${instanceId} end
        from change join locked on locked.id = change.device_id
        where device.id = change.device_id
          and (change.connected or device.connection_id = change.connection_id)`,
    'save-presence',
  )
}

/** No device is connected to this instance any more: what its last run left behind when it was killed. */
export async function clearPresence(tx: Tx, instanceId: string, now: Date): Promise<void> {
  await tx.query(
    sql`update device
        set connection_state = 'disconnected', connection_state_updated_time = ${now},
            connection_id = null, instance_id = null
        where connection_state = 'connected' and instance_id = ${instanceId}`,
  )
}

/** A condition compiled to the halves of a tagged template, over `d` (device) and `t` (twin). */
export type CompiledCondition = { readonly strings: readonly string[]; readonly values: readonly unknown[] }

const devicesWhere = ({ strings, values }: CompiledCondition): Sql =>
  sql`from device d join twin t on t.device_id = d.id where (${new Sql(strings, values)})`

/** A page of the devices that meet a condition, by id: those beyond `cursor`, nearest first. */
export async function findDeviceIds(
  db: Reader,
  condition: CompiledCondition,
  page: { readonly cursor: string | undefined; readonly forward: boolean; readonly limit: number },
): Promise<string[]> {
  const { cursor, forward, limit } = page
  const beyond = cursor === undefined ? empty : forward ? sql`and d.id > ${cursor}` : sql`and d.id < ${cursor}`
  const rows = await db.query<{ id: string }>(
    sql`select d.id ${devicesWhere(condition)} ${beyond} order by d.id ${forward ? empty : sql`desc`} limit ${limit}`,
  )
  return rows.map((row) => row.id)
}

/** How many they are. */
export async function countDevices(db: Reader, condition: CompiledCondition): Promise<number> {
  const [row] = await db.query<{ count: number }>(sql`select count(*)::integer as count ${devicesWhere(condition)}`)
  return row?.count ?? 0
}
