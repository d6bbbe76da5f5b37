import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { complies } from '../database/complies.ts'
import { DocumentsOnce, documentAt } from '../database/documents-once.ts'
import { inScope, preparedName } from '../database/in-scope.ts'
import type { Reader, Tx } from '../database/reader.ts'
import type { Scope } from '../scope.ts'
import type { TwinPatch } from './check-patch.ts'
import { complianceOf } from './compliance.ts'
import type { DeviceSide, PropertyTexts, ServiceSide, TextsOf, TwinRow } from './document.ts'

/** A locked row, and the bytes of its documents as text. Without documents it was not read. */
export type Locked<Side> = {
  readonly deviceId: string
  readonly etagVersion: number
  readonly bytes: number
  readonly read: Side | undefined
}

const counters = sql`
  device_id as "deviceId", desired_version as "desiredVersion", reported_version as "reportedVersion", version,
  etag_version as "etagVersion"`

const documents = {
  tags: { column: sql`tags`, name: sql`"tags"` },
  desired: { column: sql`desired`, name: sql`"desired"` },
  desiredMetadata: { column: sql`desired_metadata`, name: sql`"desiredMetadata"` },
  reported: { column: sql`reported`, name: sql`"reported"` },
  reportedMetadata: { column: sql`reported_metadata`, name: sql`"reportedMetadata"` },
} as const

type DocumentName = keyof typeof documents

/** A side of a twin: the documents that are read and written together. */
export type Side = 'service' | 'device'

const documentsOf: Readonly<Record<Side | 'whole' | 'properties', readonly DocumentName[]>> = {
  service: ['tags', 'desired', 'desiredMetadata'],
  device: ['reported', 'reportedMetadata'],
  whole: ['tags', 'desired', 'desiredMetadata', 'reported', 'reportedMetadata'],
  properties: ['desired', 'reported'],
}

/** The bytes of these documents as text. A subquery, so that it is computed once and not at each use. */
const sizeOf = (names: readonly DocumentName[]): Sql =>
  sql`(select ${join(
    names.map((name) => sql`octet_length(${documents[name].column}::text)`),
    ' + ',
  )} as bytes offset 0) size`

/** The documents, or nulls where `when` is false: a document that is too large is not even sent. */
const columnsOf = (names: readonly DocumentName[], when: Sql): Sql =>
  join(names.map((name) => sql`case when ${when} then ${documents[name].column} end as ${documents[name].name}`))

/** The twin of a device in the scope, or its number of bytes when that exceeds `maxBytes`. */
export async function findTwin(
  db: Reader,
  scope: Scope,
  deviceId: string,
  maxBytes: number,
): Promise<{ readonly bytes: number; readonly twin: TwinRow | undefined } | undefined> {
  const names = documentsOf.whole
  const [row] = await db.query<TwinRow & { readonly bytes: number }>(
    sql`select ${counters}, bytes, ${columnsOf(names, sql`bytes <= ${maxBytes}`)}
        from twin cross join lateral ${sizeOf(names)}
        where device_id = ${deviceId}${inScope(scope, sql`twin.device_id`)}`,
    preparedName(scope, 'find-twin'),
  )
  return row && { bytes: row.bytes, twin: row.bytes <= maxBytes ? row : undefined }
}

/** The properties of a twin as text, without their metadata, or their number of bytes when that exceeds `maxBytes`. */
export async function findPropertyTexts(
  db: Reader,
  deviceId: string,
  maxBytes: number,
): Promise<{ readonly bytes: number; readonly texts: PropertyTexts | undefined } | undefined> {
  const [row] = await db.query<PropertyTexts & { readonly bytes: number }>(
    sql`select desired_version as "desiredVersion", reported_version as "reportedVersion", bytes,
          case when bytes <= ${maxBytes} then desired::text end as desired,
          case when bytes <= ${maxBytes} then reported::text end as reported
        from twin cross join lateral ${sizeOf(documentsOf.properties)}
        where device_id = ${deviceId}`,
    'find-property-texts',
  )
  return row && { bytes: row.bytes, texts: row.bytes <= maxBytes ? row : undefined }
}

/** Whether the device of a twin is in the scope. */
export async function isTwinIn(db: Reader, scope: Scope, deviceId: string): Promise<boolean> {
  const rows = await db.query(sql`select from twin where device_id = ${deviceId}${inScope(scope, sql`twin.device_id`)}`)
  return rows.length > 0
}

/** A version of the desired properties of a device. */
export type DesiredVersion = { readonly deviceId: string; readonly version: number }

/** The versions of those whose desired properties are newer than these. */
export function findNewerDesired(db: Reader, known: readonly DesiredVersion[]): Promise<DesiredVersion[]> {
  return db.query(
    sql`select twin.device_id as "deviceId", twin.desired_version as version
        from unnest(
          ${known.map(({ deviceId }) => deviceId)}::text[],
          ${known.map(({ version }) => version)}::integer[]
        ) as known (device_id, version)
        join twin on twin.device_id = known.device_id and twin.desired_version > known.version`,
    'find-newer-desired',
  )
}

/**
 * Locks the twins of these devices in the scope, in the order of their ids, so that two batches cannot deadlock. Reads
 * one side of the first of them, up to the one with which they reach `maxBytes`, and of no twin with more than `most`
 * bytes.
 */
export async function lockTwins<Name extends Side>(
  tx: Tx,
  scope: Scope,
  deviceIds: readonly string[],
  side: Name,
  { maxBytes, most }: { readonly maxBytes: number; readonly most: number },
): Promise<Locked<Name extends 'service' ? ServiceSide : DeviceSide>[]> {
  type Row = (Name extends 'service' ? ServiceSide : DeviceSide) & {
    readonly etagVersion: number
    readonly bytes: number
    readonly isRead: boolean
  }
  const names = documentsOf[side]
  const rows = await tx.query<Row>(
    sql`with locked as (
          select twin.*, bytes
          from twin cross join lateral ${sizeOf(names)}
          where device_id = any(${deviceIds})${inScope(scope, sql`twin.device_id`)}
          order by device_id for update of twin
        ), page as (
          select *, bytes <= ${most} and sum(bytes) over (order by device_id) - bytes < ${maxBytes} as is_read
          from locked
        )
        select ${counters}, bytes, is_read as "isRead", ${columnsOf(names, sql`is_read`)}
        from page order by device_id`,
    preparedName(scope, `lock-twins-${side}`),
  )
  return rows.map((row) => ({
    deviceId: row.deviceId,
    etagVersion: row.etagVersion,
    bytes: row.bytes,
    read: row.isRead ? row : undefined,
  }))
}

/** Those of the devices whose twins a patch would not change. The twins must be locked, so that they stay as they are. */
export async function findCompliant(
  tx: Tx,
  deviceIds: readonly string[],
  { tags, desired }: TwinPatch,
): Promise<ReadonlySet<string>> {
  const sections = [
    ...(tags === undefined ? [] : [{ document: sql`tags`, ...complianceOf(tags) }]),
    ...(desired === undefined ? [] : [{ document: sql`desired`, ...complianceOf(desired) }]),
  ]
  const rows = await tx.query<{ deviceId: string }>(
    sql`select device_id as "deviceId" from twin where device_id = any(${deviceIds}) and ${complies(sections)}`,
  )
  return new Set(rows.map(({ deviceId }) => deviceId))
}

/** The sections that services write of these twins, which must be locked. */
export function readServiceSides(tx: Tx, deviceIds: readonly string[]): Promise<ServiceSide[]> {
  return tx.query<ServiceSide>(
    sql`select ${counters}, ${columnsOf(documentsOf.service, sql`true`)}
        from twin where device_id = any(${deviceIds}) order by device_id`,
    'read-service-sides',
  )
}

/** One side of these twins, which must be locked, as texts. Texts of large twins are passed on: to parse them takes milliseconds. */
export function readSideTexts<Name extends Side>(
  tx: Tx,
  side: Name,
  deviceIds: readonly string[],
): Promise<TextsOf<Name extends 'service' ? ServiceSide : DeviceSide>[]> {
  const texts = documentsOf[side].map((name) => sql`${documents[name].column}::text as ${documents[name].name}`)
  return tx.query(
    sql`select ${counters}, ${join(texts)} from twin where device_id = any(${deviceIds}) order by device_id`,
    `read-${side}-texts`,
  )
}

/** Writes the sections that services write, and their counters. */
export async function saveDesired(tx: Tx, twins: readonly TextsOf<ServiceSide>[]): Promise<void> {
  const documents = new DocumentsOnce()
  const places = twins.map((twin) => ({
    tags: documents.placeOf(twin.tags),
    desired: documents.placeOf(twin.desired),
    desiredMetadata: documents.placeOf(twin.desiredMetadata),
  }))
  await tx.query(
    sql`with ${documents.table()}
        update twin
        set tags = ${documentAt('saved.tags')}, desired = ${documentAt('saved.desired')},
            desired_metadata = ${documentAt('saved.desired_metadata')},
            desired_version = saved.desired_version, version = saved.version, etag_version = saved.etag_version
        from unnest(
          ${twins.map((twin) => twin.deviceId)}::text[],
          ${places.map((place) => place.tags)}::integer[],
          ${places.map((place) => place.desired)}::integer[],
          ${places.map((place) => place.desiredMetadata)}::integer[],
          ${twins.map((twin) => twin.desiredVersion)}::integer[],
          ${twins.map((twin) => twin.version)}::integer[],
          ${twins.map((twin) => twin.etagVersion)}::integer[]
        ) as saved (device_id, tags, desired, desired_metadata, desired_version, version, etag_version)
        where twin.device_id = saved.device_id`,
    'save-desired',
  )
}

/**
 * SQL: whether the device has no newer connection than this one; true without one. The twin must have been locked by an
 * earlier statement: then a report by a newer connection either was committed before and its connection is visible, or
 * waits for the lock.
 */
const isNewest = (deviceId: string, connectionId = ''): Sql =>
  sql`not exists (select from device where id = ${deviceId} and connection_id <> nullif(${connectionId}, ''))`

/**
 * Writes the section that the device writes. Returns false, and writes nothing, when the device has a newer connection
 * than the given one.
 */
export async function saveReported(tx: Tx, twin: TextsOf<DeviceSide>, connectionId?: string): Promise<boolean> {
  const rows = await tx.query(
    sql`update twin
        set reported = ${twin.reported}::jsonb,
            reported_metadata = ${twin.reportedMetadata}::jsonb,
            reported_version = ${twin.reportedVersion},
            version = ${twin.version}
        where device_id = ${twin.deviceId} and ${isNewest(twin.deviceId, connectionId)}
        returning device_id`,
    'save-reported',
  )
  return rows.length > 0
}

/**
 * Deletes root members of the sections that services write, in a twin that is too large to be read. Returns the version
 * of its desired properties.
 */
export async function deleteServiceMembers(
  tx: Tx,
  deviceId: string,
  { tags, desired }: { readonly tags: readonly string[]; readonly desired: readonly string[] },
  now: Date,
): Promise<number> {
  const written = desired.length > 0 ? 1 : 0
  const [row] = await tx.query<{ version: number }>(
    sql`update twin
        set tags = tags - ${tags}::text[],
            desired = desired - ${desired}::text[],
            desired_metadata = case when ${written} = 0 then desired_metadata else
              desired_metadata - ${desired}::text[] || jsonb_build_object(
                '$lastUpdated', ${now.toISOString()}::text, '$lastUpdatedVersion', desired_version + 1
              )
            end,
            desired_version = desired_version + ${written}, version = version + 1, etag_version = etag_version + 1
        where device_id = ${deviceId}
        returning desired_version as version`,
  )
  return row?.version ?? 0
}

/**
 * The same for reported properties. Returns their version; undefined, and nothing is deleted, when the device has a newer
 * connection than the given one.
 */
export async function deleteReportedMembers(
  tx: Tx,
  deviceId: string,
  {
    keys,
    now,
    connectionId,
  }: { readonly keys: readonly string[]; readonly now: Date; readonly connectionId?: string | undefined },
): Promise<number | undefined> {
  const [row] = await tx.query<{ version: number }>(
    sql`update twin
        set reported = reported - ${keys}::text[],
            reported_metadata = reported_metadata - ${keys}::text[]
              || jsonb_build_object('$lastUpdated', ${now.toISOString()}::text),
            reported_version = reported_version + 1, version = version + 1
        where device_id = ${deviceId} and ${isNewest(deviceId, connectionId)}
        returning reported_version as version`,
  )
  return row?.version
}
