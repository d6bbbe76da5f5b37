import { empty, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../database/bounded-read.ts'
import { type CompiledCondition, fragment } from '../database/condition.ts'
import type { TwinRow } from '../twin/document.ts'
import type { TwinDevice } from '../twin/service-document.ts'
import type { StoredAuthentication } from './identity.ts'

const devicesWhere = (db: BoundedReader, condition: CompiledCondition): Sql =>
  sql`from device d join twin t on t.device_id = d.id where (${fragment(db, condition)})`

/** A page of the devices that meet a condition, by id: those beyond `cursor`, nearest first, and of those `among` only. */
export async function findDeviceIds(
  db: BoundedReader,
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
    sql`select d.id ${devicesWhere(db, condition)} ${beyond} ${within} order by d.id ${forward ? empty : sql`desc`} limit ${limit}`,
  )
  return rows.map((row) => row.id)
}

/** How many they are. */
export async function countDevices(db: BoundedReader, condition: CompiledCondition): Promise<number> {
  const [row] = await db.query<{ count: number }>(sql`select count(*)::integer as count ${devicesWhere(db, condition)}`)
  return row?.count ?? 0
}

// Statements: what a SELECT makes of the devices that meet its condition

/** Up to `limit` rows beyond those of `cursor`, in the order of their keys. */
type PageAfter<Cursor> = { readonly cursor: Cursor | undefined; readonly limit: number }

/** The values of one row of results, each the JSON text of a member; null for one that is undefined. */
export type ResultValues = readonly (string | null)[]

const devicesAfter = (db: BoundedReader, condition: CompiledCondition, { cursor, limit }: PageAfter<string>): Sql =>
  sql`${devicesWhere(db, condition)} ${cursor === undefined ? empty : sql`and d.id > ${cursor}`} order by d.id limit ${limit}`

/** A device with its twin: what a twin document is made of. */
export type DeviceTwin = { readonly device: TwinDevice; readonly twin: TwinRow }

type DeviceTwinColumns = Omit<TwinDevice, 'etagVersion' | 'authentication'> &
  TwinRow &
  Omit<StoredAuthentication, 'primaryKey' | 'secondaryKey'> & { readonly deviceEtagVersion: number }

/** A page of devices with their twins, by id. */
export async function findDeviceTwins(
  db: BoundedReader,
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
        ${devicesAfter(db, condition, page)}`,
  )
  return rows.map((row) => {
    const { deviceEtagVersion, authenticationType: type, primaryThumbprint, secondaryThumbprint } = row
    const authentication = { type, x509Thumbprint: { primaryThumbprint, secondaryThumbprint } }
    return { device: { ...row, etagVersion: deviceEtagVersion, authentication }, twin: row }
  })
}

/** A page of what `values` gives of each device, by id. */
export function findDeviceValues(
  db: BoundedReader,
  condition: CompiledCondition,
  values: CompiledCondition,
  page: PageAfter<string>,
): Promise<{ readonly id: string; readonly values: ResultValues }[]> {
  return db.query<{ id: string; values: ResultValues }>(
    sql`select d.id, ${fragment(db, values)} as "values" ${devicesAfter(db, condition, page)}`,
  )
}

/** What `values`, made of aggregates, gives of all devices together. */
export async function aggregateDevices(
  db: BoundedReader,
  condition: CompiledCondition,
  values: CompiledCondition,
): Promise<ResultValues> {
  const [row] = await db.query<{ values: ResultValues }>(
    sql`select ${fragment(db, values)} as "values" ${devicesWhere(db, condition)}`,
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
  db: BoundedReader,
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
            select ${fragment(db, group)} as value, ${fragment(db, values)} as "values" ${devicesWhere(db, condition)} group by 1
          ) grouped
        ) placed
        ${beyond}
        order by beginning collate "C" nulls last, digest collate "C"
        limit ${limit}`,
  )
}
