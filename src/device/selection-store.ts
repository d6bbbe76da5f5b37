import { empty, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { boundedFragment } from '../database/bounded-fragment.ts'
import type { BoundedReader } from '../database/bounded-read.ts'
import { devicesWhere } from '../database/meets-condition.ts'
import type { Reader } from '../database/reader.ts'
import { bytesOf, type WithBytes, withinBytes } from '../database/within-bytes.ts'
import type { Everything, Scope } from '../scope.ts'
import type { DeviceCondition, Fragment } from '../sql-fragment.ts'
import type { TwinDevice, TwinTextRow } from '../twin/service-document.ts'
import type { StoredAuthentication } from './identity.ts'
import { type SelectedDevice, selectDevice } from './store.ts'

/**
 * A page of the devices in the scope that meet a condition, by id, with the requested columns: those beyond `cursor`,
 * nearest first, and only those in `among`.
 */
export function findDevicePage(
  db: BoundedReader,
  scope: Scope,
  asked: readonly string[],
  condition: DeviceCondition,
  page: {
    readonly cursor: string | undefined
    readonly ascending: boolean
    readonly limit: number
    readonly among?: readonly string[]
  },
): Promise<SelectedDevice[]> {
  const { cursor, ascending, limit, among } = page
  const within = among === undefined ? empty : sql`and d.id = any(${among})`
  const beyond = cursor === undefined ? empty : ascending ? sql`and d.id > ${cursor}` : sql`and d.id < ${cursor}`
  return db.query<SelectedDevice>(
    sql`select ${selectDevice(asked)} ${devicesWhere(db, scope, condition)} ${beyond} ${within} order by d.id ${ascending ? empty : sql`desc`} limit ${limit}`,
  )
}

/** A page of all devices, by id, with the requested columns: those beyond `cursor`, nearest first. */
export function findAllDevices(
  db: Reader,
  _scope: Everything,
  asked: readonly string[],
  page: { readonly cursor: string | undefined; readonly ascending: boolean; readonly limit: number },
): Promise<SelectedDevice[]> {
  const { cursor, ascending, limit } = page
  const beyond = cursor === undefined ? empty : ascending ? sql`where d.id > ${cursor}` : sql`where d.id < ${cursor}`
  return db.query<SelectedDevice>(
    sql`select ${selectDevice(asked)} from device d ${beyond} order by d.id ${ascending ? empty : sql`desc`} limit ${limit}`,
  )
}

/** How many devices in the scope meet the condition. */
export async function countDevices(db: BoundedReader, scope: Scope, condition: DeviceCondition): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    sql`select count(*)::integer as count ${devicesWhere(db, scope, condition)}`,
  )
  return row?.count ?? 0
}

// Statements: what a SELECT makes of the devices that meet its condition

/** Up to `limit` rows beyond `cursor`, in the order of their keys. */
type PageAfter<Cursor> = { readonly cursor: Cursor | undefined; readonly limit: number }

/** The values of one row of results, each as the JSON text of a member; null for an undefined value. */
export type ResultValues = readonly (string | null)[]

const devicesAfter = (
  db: BoundedReader,
  scope: Scope,
  condition: DeviceCondition,
  { cursor, limit }: PageAfter<string>,
): Sql =>
  sql`${devicesWhere(db, scope, condition)} ${cursor === undefined ? empty : sql`and d.id > ${cursor}`} order by d.id limit ${limit}`

/** The ids of such a page as one array: its rows are read one after the other, as long as there is room. */
const idsAfter = (db: BoundedReader, scope: Scope, condition: DeviceCondition, page: PageAfter<string>): Sql =>
  sql`select coalesce(array_agg(id order by id), '{}') from (select d.id ${devicesAfter(db, scope, condition, page)}) chosen`

/** A device with its twin: the input of a twin document. */
export type DeviceTwin = { readonly device: TwinDevice; readonly twin: TwinTextRow }

type DeviceTwinColumns = Omit<TwinDevice, 'etagVersion' | 'authentication'> &
  TwinTextRow &
  Omit<StoredAuthentication, 'primaryKey' | 'secondaryKey'> & { readonly deviceEtagVersion: number } & WithBytes

/** Rows of a page. `cut`: there was no room for all rows, and others may follow. */
export type RowsWithin<Row> = { readonly rows: Row[]; readonly cut: boolean }

/** A page of devices with their twins, by id, as far as there is room. */
export async function findDeviceTwins(
  db: BoundedReader,
  scope: Scope,
  condition: DeviceCondition,
  page: PageAfter<string>,
  maxBytes: number,
): Promise<RowsWithin<DeviceTwin>> {
  const row = (id: Sql): Sql => sql`
    select found.*, octet_length(tags) + octet_length(desired) + octet_length("desiredMetadata")
                    + octet_length(reported) + octet_length("reportedMetadata") as size
    from (
      select d.id, d.etag_version as "deviceEtagVersion", d.status, d.status_reason as "statusReason",
             d.status_updated_time as "statusUpdatedTime", d.authentication_type as "authenticationType",
             d.primary_thumbprint as "primaryThumbprint", d.secondary_thumbprint as "secondaryThumbprint",
             d.iot_edge as "iotEdge", d.model_id as "modelId", d.connection_state as "connectionState",
             d.last_activity_time as "lastActivityTime",
             t.device_id as "deviceId", t.tags::text, t.desired::text, t.desired_metadata::text as "desiredMetadata",
             t.desired_version as "desiredVersion", t.reported::text, t.reported_metadata::text as "reportedMetadata",
             t.reported_version as "reportedVersion", t.version, t.etag_version as "etagVersion"
      from device d join twin t on t.device_id = d.id
      where d.id = ${id}
      offset 0
    ) found`
  const rows = await db.query<DeviceTwinColumns>(withinBytes(idsAfter(db, scope, condition, page), row, maxBytes))
  const twins = rows.map((row) => {
    const { deviceEtagVersion, authenticationType: type, primaryThumbprint, secondaryThumbprint } = row
    const authentication = { type, x509Thumbprint: { primaryThumbprint, secondaryThumbprint } }
    return { device: { ...row, etagVersion: deviceEtagVersion, authentication }, twin: row }
  })
  return { rows: twins, cut: bytesOf(rows) > maxBytes }
}

/**
 * A page of the results of `values` for each device, by id, as far as there is room; null for a device that exceeds the
 * room alone. A document is unpacked once, however many values read it: by an expression that does not change it.
 */
export async function findDeviceValues(
  db: BoundedReader,
  scope: Scope,
  condition: DeviceCondition,
  values: Fragment,
  page: PageAfter<string>,
  maxBytes: number,
): Promise<RowsWithin<{ readonly id: string; values(): ResultValues | null }>> {
  const row = (id: Sql): Sql => sql`
    select found.id, found.size, case when found.size <= ${maxBytes} then array_to_json(found."values")::text end as "values"
    from (
      select given.*, (select coalesce(sum(octet_length(value)), 0)::integer from unnest(given."values") value) as size
      from (
        select d.id, ${boundedFragment(db, values)} as "values"
        from device d
        cross join lateral (
          select version, etag_version, desired_version, reported_version, tags || '{}' as tags, desired || '{}' as desired,
                 desired_metadata || '{}' as desired_metadata, reported || '{}' as reported,
                 reported_metadata || '{}' as reported_metadata
          from twin where device_id = d.id
          offset 0
        ) t
        where d.id = ${id}
        offset 0
      ) given
      offset 0
    ) found`
  const rows = await db.query<{ readonly id: string; readonly values: string | null } & WithBytes>(
    withinBytes(idsAfter(db, scope, condition, page), row, maxBytes),
  )
  return {
    // Parsed when a row is needed: of rows with long results, only the first ones fit into a page.
    rows: rows.map(({ id, values }) => ({ id, values: () => (values === null ? null : JSON.parse(values)) })),
    cut: bytesOf(rows) > maxBytes,
  }
}

/** The results of `values`, which are aggregates, over all devices together. */
export async function aggregateDevices(
  db: BoundedReader,
  scope: Scope,
  condition: DeviceCondition,
  values: Fragment,
): Promise<ResultValues> {
  const [row] = await db.query<{ values: ResultValues }>(
    sql`select ${boundedFragment(db, values)} as "values" ${devicesWhere(db, scope, condition)}`,
  )
  return row?.values ?? []
}

/** The place of a group in the order of groups. A group's value may be long, but a place has to fit into a header. */
export type GroupPlace = { readonly beginning: string; readonly digest: string }

/**
 * A group of devices: its value, and the results of the aggregates for it. The place of the group without a value is
 * null.
 */
export type DeviceGroup = {
  readonly value: string | null
  readonly values: ResultValues
  readonly beginning: string | null
  readonly digest: string | null
}

/** A page of groups of devices with the same value of `group`, ordered by it; the group without a value is last. */
export async function findDeviceGroups(
  db: BoundedReader,
  scope: Scope,
  condition: DeviceCondition,
  { group, values }: { readonly group: Fragment; readonly values: Fragment },
  { cursor, limit }: PageAfter<GroupPlace>,
  maxBytes: number,
): Promise<RowsWithin<DeviceGroup>> {
  const beyond =
    cursor === undefined
      ? empty
      : sql`where value is null or (beginning collate "C", digest collate "C") > (${cursor.beginning}, ${cursor.digest})`
  const rows = await db.query<DeviceGroup & WithBytes>(
    sql`select *
        from (
          select page.*, sum(size) over (order by beginning collate "C" nulls last, digest collate "C") as bytes
          from (
            select placed.*,
                   coalesce(octet_length(value), 0)
                     + (select coalesce(sum(octet_length(v)), 0)::integer from unnest(placed."values") v) as size
            from (
              select value, "values", left(value, 100) as beginning, md5(value) as digest
              from (
                select ${boundedFragment(db, group)} as value, ${boundedFragment(db, values)} as "values"
                ${devicesWhere(db, scope, condition)} group by 1
              ) grouped
            ) placed
            ${beyond}
            order by beginning collate "C" nulls last, digest collate "C"
            limit ${limit}
          ) page
        ) summed
        where bytes - size <= ${maxBytes}
        order by beginning collate "C" nulls last, digest collate "C"`,
  )
  return { rows, cut: bytesOf(rows) > maxBytes }
}
