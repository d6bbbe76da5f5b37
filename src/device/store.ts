import { empty, Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../database/client.ts'
import type { JsonObject } from '../json.ts'
import type { TwinRow } from '../twin/document.ts'
import type { TwinDevice } from '../twin/service-document.ts'
import { type Authentication, type DeviceStatus, type StoredAuthentication, storedAuthentication } from './identity.ts'

/** A device about to be created, with the twin it starts with. */
export type NewDevice = {
  readonly id: string
  readonly generationId: string
  readonly status: DeviceStatus
  readonly statusReason: string | null
  readonly authentication: Authentication
  readonly iotEdge: boolean
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
  readonly iotEdge: boolean
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
            ${devices.map((device) => device.iotEdge)}::boolean[],
            ${devices.map((device) => JSON.stringify(device.tags))}::jsonb[],
            ${devices.map((device) => JSON.stringify(device.desired))}::jsonb[],
            ${devices.map((device) => JSON.stringify(device.desiredMetadata))}::jsonb[],
            ${devices.map((device) => device.desiredVersion)}::integer[],
            ${devices.map((device) => JSON.stringify(device.reportedMetadata))}::jsonb[]
          ) as given (
            id, generation_id, status, status_reason, authentication_type, primary_key, secondary_key,
            primary_thumbprint, secondary_thumbprint, iot_edge, tags, desired, desired_metadata, desired_version,
            reported_metadata
          )
        ), created as (
          insert into device (
            id, generation_id, status, status_reason, authentication_type, primary_key, secondary_key,
            primary_thumbprint, secondary_thumbprint, iot_edge, created_time
          )
          select id, generation_id, status, status_reason, authentication_type, primary_key, secondary_key,
                 primary_thumbprint, secondary_thumbprint, iot_edge, ${now}
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
               secondary_thumbprint as "secondaryThumbprint", iot_edge as "iotEdge"
        from device
        where id = ${id} ${lock}`,
    lock === empty ? 'find-identity' : 'lock-identity',
  )
  if (row === undefined) return undefined
  const { etagVersion, status, statusReason, iotEdge } = row
  return { id, etagVersion, status, statusReason, authentication: authenticationOf(row), iotEdge }
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
            secondary_thumbprint = ${columns.secondaryThumbprint},
            iot_edge = ${device.iotEdge}
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
 * No device is connected to this instance any more: what its last run left behind when it was killed. Answers which were.
 */
export async function clearPresence(tx: Tx, instanceId: string, now: Date): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    sql`update device
        set connection_state = 'disconnected', connection_state_updated_time = ${now},
            connection_id = null, instance_id = null
        where connection_state = 'connected' and instance_id = ${instanceId}
        returning id`,
  )
  return rows.map((row) => row.id)
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

/** A condition compiled to the halves of a tagged template, over `d` (device) and `t` (twin). */
export type CompiledCondition = { readonly strings: readonly string[]; readonly values: readonly unknown[] }

const devicesWhere = ({ strings, values }: CompiledCondition): Sql =>
  sql`from device d join twin t on t.device_id = d.id where (${new Sql(strings, values)})`

/** A page of the devices that meet a condition, by id: those beyond `cursor`, nearest first, and of those `among` only. */
export async function findDeviceIds(
  db: Reader,
  condition: CompiledCondition,
  page: {
    readonly cursor: string | undefined
    readonly forward: boolean
    readonly limit: number
    readonly among?: readonly string[]
  },
): Promise<string[]> {
  const { cursor, forward, limit, among } = page
  const within = among === undefined ? empty : sql`and d.id = any(${among})`
  const beyond = cursor === undefined ? empty : forward ? sql`and d.id > ${cursor}` : sql`and d.id < ${cursor}`
  const rows = await db.query<{ id: string }>(
    sql`select d.id ${devicesWhere(condition)} ${beyond} ${within} order by d.id ${forward ? empty : sql`desc`} limit ${limit}`,
  )
  return rows.map((row) => row.id)
}

/** How many they are. */
export async function countDevices(db: Reader, condition: CompiledCondition): Promise<number> {
  const [row] = await db.query<{ count: number }>(sql`select count(*)::integer as count ${devicesWhere(condition)}`)
  return row?.count ?? 0
}

/** A device as doors show it: its identity, and what the hub knows of it. */
export type DeviceRow = Identity & {
  readonly generationId: string
  readonly statusUpdatedTime: Date | null
  readonly connectionState: 'connected' | 'disconnected'
  readonly connectionStateUpdatedTime: Date | null
  readonly lastActivityTime: Date | null
  readonly modelId: string
}

type DeviceColumns = Omit<DeviceRow, 'authentication'> & StoredAuthentication

/** Up to `limit` devices, by id. */
export async function findDevices(
  db: Reader,
  { ids, limit }: { readonly ids?: readonly string[]; readonly limit: number },
): Promise<DeviceRow[]> {
  const rows = await db.query<DeviceColumns>(
    sql`select id, generation_id as "generationId", etag_version as "etagVersion", status,
               status_reason as "statusReason", status_updated_time as "statusUpdatedTime",
               authentication_type as "authenticationType", primary_key as "primaryKey",
               secondary_key as "secondaryKey", primary_thumbprint as "primaryThumbprint",
               secondary_thumbprint as "secondaryThumbprint", iot_edge as "iotEdge", model_id as "modelId",
               connection_state as "connectionState", connection_state_updated_time as "connectionStateUpdatedTime",
               last_activity_time as "lastActivityTime"
        from device
        ${ids === undefined ? empty : sql`where id = any(${ids})`}
        order by id
        limit ${limit}`,
  )
  return rows.map((row) => {
    const { authenticationType, primaryKey, secondaryKey, primaryThumbprint, secondaryThumbprint, ...device } = row
    return { ...device, authentication: authenticationOf(row) }
  })
}

/** How many devices there are, may connect, and are connected. */
export type DeviceStatistics = {
  readonly totalCount: number
  readonly enabledCount: number
  readonly connectedCount: number
}

export async function readDeviceStatistics(db: Reader): Promise<DeviceStatistics> {
  const [row] = await db.query<DeviceStatistics>(
    sql`select count(*)::integer as "totalCount",
               count(*) filter (where status = 'enabled')::integer as "enabledCount",
               count(*) filter (where connection_state = 'connected')::integer as "connectedCount"
        from device`,
  )
  return row ?? { totalCount: 0, enabledCount: 0, connectedCount: 0 }
}

// Statements: what a SELECT makes of the devices that meet its condition

/** Up to `limit` rows beyond those of `cursor`, in the order of their keys. */
type PageAfter<Cursor> = { readonly cursor: Cursor | undefined; readonly limit: number }

/** The values of one row of results, each the JSON text of a member; null for one that is undefined. */
export type ResultValues = readonly (string | null)[]

const fragment = ({ strings, values }: CompiledCondition): Sql => new Sql(strings, values)

const devicesAfter = (condition: CompiledCondition, { cursor, limit }: PageAfter<string>): Sql =>
  sql`${devicesWhere(condition)} ${cursor === undefined ? empty : sql`and d.id > ${cursor}`} order by d.id limit ${limit}`

/** A device with its twin: what a twin document is made of. */
export type DeviceTwin = { readonly device: TwinDevice; readonly twin: TwinRow }

type DeviceTwinColumns = Omit<TwinDevice, 'etagVersion' | 'authentication'> &
  TwinRow &
  Omit<StoredAuthentication, 'primaryKey' | 'secondaryKey'> & { readonly deviceEtagVersion: number }

/** A page of devices with their twins, by id. */
export async function findDeviceTwins(
  db: Reader,
  condition: CompiledCondition,
  page: PageAfter<string>,
): Promise<DeviceTwin[]> {
  const rows = await db.query<DeviceTwinColumns>(
    sql`select d.id, d.etag_version as "deviceEtagVersion", d.status, d.status_reason as "statusReason",
               d.status_updated_time as "statusUpdatedTime", d.authentication_type as "authenticationType",
               d.primary_thumbprint as "primaryThumbprint", d.secondary_thumbprint as "secondaryThumbprint",
               d.iot_edge as "iotEdge", d.model_id as "modelId", d.connection_state as "connectionState",
               d.last_activity_time as "lastActivityTime",
               t.device_id as "deviceId", t.tags, t.desired, t.desired_metadata as "desiredMetadata",
               t.desired_version as "desiredVersion", t.reported, t.reported_metadata as "reportedMetadata",
               t.reported_version as "reportedVersion", t.version, t.etag_version as "etagVersion"
        ${devicesAfter(condition, page)}`,
  )
  return rows.map((row) => {
    const { deviceEtagVersion, authenticationType: type, primaryThumbprint, secondaryThumbprint } = row
    const authentication = { type, x509Thumbprint: { primaryThumbprint, secondaryThumbprint } }
    return { device: { ...row, etagVersion: deviceEtagVersion, authentication }, twin: row }
  })
}

/** A page of what `values` gives of each device, by id. */
export function findDeviceValues(
  db: Reader,
  condition: CompiledCondition,
  values: CompiledCondition,
  page: PageAfter<string>,
): Promise<{ readonly id: string; readonly values: ResultValues }[]> {
  return db.query<{ id: string; values: ResultValues }>(
    sql`select d.id, ${fragment(values)} as "values" ${devicesAfter(condition, page)}`,
  )
}

/** What `values`, made of aggregates, gives of all devices together. */
export async function aggregateDevices(
  db: Reader,
  condition: CompiledCondition,
  values: CompiledCondition,
): Promise<ResultValues> {
  const [row] = await db.query<{ values: ResultValues }>(
    sql`select ${fragment(values)} as "values" ${devicesWhere(condition)}`,
  )
  return row?.values ?? []
}

/** The place of a group in their order. A group's value may be long, and a place has to fit a header. */
export type GroupPlace = { readonly beginning: string; readonly digest: string }

/** A group of devices: of which value, and what the aggregates give of it. The place of that without a value is null. */
export type DeviceGroup = {
  readonly value: string | null
  readonly values: ResultValues
  readonly beginning: string | null
  readonly digest: string | null
}

/** A page of groups of devices that have the same `group`, by that value; those without one come last. */
export function findDeviceGroups(
  db: Reader,
  condition: CompiledCondition,
  { group, values }: { readonly group: CompiledCondition; readonly values: CompiledCondition },
  { cursor, limit }: PageAfter<GroupPlace>,
): Promise<DeviceGroup[]> {
  const beyond =
    cursor === undefined
      ? empty
      : sql`where value is null or (beginning collate "C", digest collate "C") > (${cursor.beginning}, ${cursor.digest})`
  return db.query<DeviceGroup>(
    sql`select *
        from (
          select value, "values", left(value, 100) as beginning, md5(value) as digest
          from (
            select ${fragment(group)} as value, ${fragment(values)} as "values" ${devicesWhere(condition)} group by 1
          ) grouped
        ) placed
        ${beyond}
        order by beginning collate "C" nulls last, digest collate "C"
        limit ${limit}`,
  )
}
