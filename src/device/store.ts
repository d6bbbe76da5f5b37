import { empty, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../database/bounded-read.ts'
import { DocumentsOnce, documentAt } from '../database/documents-once.ts'
import { inScope, meetsScope, preparedName, twinForScope } from '../database/in-scope.ts'
import type { Reader, Tx } from '../database/reader.ts'
import { selectColumns } from '../database/select-columns.ts'
import type { JsonObject } from '../json/json.ts'
import { type JsonText, jsonTextOf } from '../json/json-text.ts'
import type { Everything, Scope } from '../scope.ts'
import {
  type Authentication,
  type DeviceStatus,
  keyLength,
  type StoredAuthentication,
  storedAuthentication,
} from './identity.ts'

/** A device to be created, with its initial twin. */
export type NewDevice = {
  readonly id: string
  readonly generationId: string
  readonly status: DeviceStatus
  readonly statusReason: string | null
  readonly authentication: Authentication
  readonly iotEdge: boolean
  readonly tags: JsonObject | JsonText
  readonly desired: JsonObject | JsonText
  readonly desiredMetadata: JsonObject | JsonText
  readonly desiredVersion: number
  readonly reportedMetadata: JsonObject
}

/** What decides whether a device may connect, and whether its identity may be written. */
export type Identity = {
  readonly id: string
  /** Differs after each change, and for another device with the same id. */
  readonly version: string
  readonly etagVersion: number
  readonly status: DeviceStatus
  readonly statusReason: string | null
  readonly authentication: Authentication
  readonly iotEdge: boolean
}

/** The authentication from a device's columns. */
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
 * Creates the devices that do not exist yet and their twins, in one statement; returns the created ids. The twin is
 * another folder's table. This is the only place outside of that folder that writes it, so that no device is without
 * one.
 */
export async function insertDevices(tx: Tx, devices: readonly NewDevice[], now: Date): Promise<Set<string>> {
  const columns = devices.map((device) => storedAuthentication(device.authentication))
  const documents = new DocumentsOnce()
  const places = devices.map((device) => ({
    tags: documents.placeOf(jsonTextOf(device.tags).text),
    // Many devices can share them, and then they are printed once.
    desired: documents.placeOf(jsonTextOf(device.desired).text),
    desiredMetadata: documents.placeOf(jsonTextOf(device.desiredMetadata).text),
    reportedMetadata: documents.placeOf(JSON.stringify(device.reportedMetadata)),
  }))
  const rows = await tx.query<{ id: string }>(
    sql`with ${documents.table()}, given as (
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
            ${places.map((place) => place.tags)}::integer[],
            ${places.map((place) => place.desired)}::integer[],
            ${places.map((place) => place.desiredMetadata)}::integer[],
            ${devices.map((device) => device.desiredVersion)}::integer[],
            ${places.map((place) => place.reportedMetadata)}::integer[]
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
          select id, ${documentAt('tags')}, ${documentAt('desired')}, ${documentAt('desired_metadata')}, desired_version,
                 ${documentAt('reported_metadata')}
          from given join created using (id)
        )
        select id from created`,
  )
  return new Set(rows.map((row) => row.id))
}

/** The `version` of the identity of a `device`, in a statement. */
export const identityVersion = sql`(device.generation_id || '/' || device.etag_version)`

type IdentityRow = Omit<Identity, 'authentication'> & StoredAuthentication

const identityColumns = sql`${identityVersion} as version, etag_version as "etagVersion", status, status_reason as "statusReason",
  authentication_type as "authenticationType", primary_key as "primaryKey", secondary_key as "secondaryKey",
  primary_thumbprint as "primaryThumbprint", secondary_thumbprint as "secondaryThumbprint", iot_edge as "iotEdge"`

const identityOf = (id: string, row: IdentityRow): Identity => {
  const { version, etagVersion, status, statusReason, iotEdge } = row
  return { id, version, etagVersion, status, statusReason, authentication: authenticationOf(row), iotEdge }
}

/**
 * The identity of a device in the scope. An unknown device takes as much time as a known one: a row like any other is
 * read and discarded.
 */
export async function findIdentity(db: Reader, scope: Scope, id: string): Promise<Identity | undefined> {
  const [row] = await db.query<IdentityRow & { readonly known: boolean }>(
    sql`select true as known, ${identityColumns} from device where id = ${id}${inScope(scope, sql`device.id`)}
        union all
        select false, '', 1, 'enabled', null, 'sas', ${noKey}, ${noKey}, null, null, false
        limit 1`,
    preparedName(scope, 'find-identity'),
  )
  if (row === undefined) return undefined
  const found = identityOf(id, row)
  return row.known ? found : undefined
}

/** Distinguishes the device from one that got its id after it was deleted. */
export const generationOf = ({ version }: Identity): string => version.slice(0, version.indexOf('/'))

/** As long as generated keys. */
const noKey = Buffer.alloc(keyLength).toString('base64')

/** Locks a device in the scope. */
export async function lockIdentity(tx: Tx, scope: Scope, id: string): Promise<Identity | undefined> {
  const [row] = await tx.query<IdentityRow>(
    sql`select ${identityColumns} from device where id = ${id}${inScope(scope, sql`device.id`)} for update`,
    preparedName(scope, 'lock-identity'),
  )
  return row && identityOf(id, row)
}

/** The generation of a device in the scope: see `generationOf`. */
export async function findGeneration(db: Reader, scope: Scope, id: string): Promise<string | undefined> {
  const [row] = await db.query<{ generationId: string }>(
    sql`select generation_id as "generationId" from device where id = ${id}${inScope(scope, sql`device.id`)}`,
    preparedName(scope, 'find-generation'),
  )
  return row?.generationId
}

/** Which of these devices exist in the scope. */
export async function findExistingIds(db: Reader, scope: Scope, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db.query<{ id: string }>(
    sql`select id from device where id = any(${ids})${inScope(scope, sql`device.id`)}`,
  )
  return new Set(rows.map((row) => row.id))
}

/** Which of these devices are disabled. */
export async function findDisabledIds(db: Reader, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db.query<{ id: string }>(
    sql`select id from device where id = any(${ids}) and status = 'disabled'`,
    'find-disabled-ids',
  )
  return new Set(rows.map((row) => row.id))
}

/** Writes the whole identity; its etag changes. */
export async function saveIdentity(
  tx: Tx,
  device: Omit<Identity, 'version'>,
  statusChanged: boolean,
  now: Date,
): Promise<void> {
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

/** The twin is deleted with it, by its foreign key. */
export async function removeDevice(tx: Tx, id: string): Promise<void> {
  await tx.query(sql`delete from device where id = ${id}`)
}

/** A device as the protocol adapters show it: its identity, and its state. */
export type DeviceRow = Omit<Identity, 'version'> & {
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
  _scope: Everything,
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

/** A device with the columns that clients select. A row has those that were requested, and its id. */
export type SelectedDevice = StoredAuthentication &
  Pick<
    DeviceRow,
    'id' | 'generationId' | 'etagVersion' | 'status' | 'statusReason' | 'connectionState' | 'lastActivityTime'
  >

/** The list of these columns of the row `d`. */
export const selectDevice = selectColumns<SelectedDevice>(
  'd',
  {
    id: 'id',
    generationId: 'generation_id',
    etagVersion: 'etag_version',
    status: 'status',
    statusReason: 'status_reason',
    connectionState: 'connection_state',
    lastActivityTime: 'last_activity_time',
    authenticationType: 'authentication_type',
    primaryKey: 'primary_key',
    secondaryKey: 'secondary_key',
    primaryThumbprint: 'primary_thumbprint',
    secondaryThumbprint: 'secondary_thumbprint',
  },
  ['id'],
)

/** The devices in the scope with these ids, in no particular order. */
export const findSelectedDevices = (
  db: Reader,
  scope: Scope,
  ids: readonly string[],
  asked: readonly string[],
): Promise<SelectedDevice[]> =>
  db.query<SelectedDevice>(
    sql`select ${selectDevice(asked)} from device d${twinForScope(scope)} where d.id = any(${ids})${meetsScope(scope)}`,
  )

/** How many devices exist, how many may connect, and how many are connected. */
export type DeviceStatistics = {
  readonly totalCount: number
  readonly enabledCount: number
  readonly connectedCount: number
}

export async function readDeviceStatistics(db: BoundedReader, _scope: Everything): Promise<DeviceStatistics> {
  const [row] = await db.query<DeviceStatistics>(
    sql`select count(*)::integer as "totalCount",
               count(*) filter (where status = 'enabled')::integer as "enabledCount",
               count(*) filter (where connection_state = 'connected')::integer as "connectedCount"
        from device`,
  )
  return row ?? { totalCount: 0, enabledCount: 0, connectedCount: 0 }
}
