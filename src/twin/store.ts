import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../database/client.ts'
import type { TwinRow } from './document.ts'

const columns = sql`
  device_id as "deviceId", tags, desired, desired_metadata as "desiredMetadata", desired_version as "desiredVersion",
  reported, reported_metadata as "reportedMetadata", reported_version as "reportedVersion",
  version, etag_version as "etagVersion"`

export async function findTwin(db: Reader, deviceId: string): Promise<TwinRow | undefined> {
  const [row] = await db.query<TwinRow>(sql`select ${columns} from twin where device_id = ${deviceId}`, 'find-twin')
  return row
}

/** Which version the desired properties of these devices have. */
export function findDesiredVersions(
  db: Reader,
  deviceIds: readonly string[],
): Promise<{ readonly deviceId: string; readonly version: number }[]> {
  return db.query(
    sql`select device_id as "deviceId", desired_version as version from twin where device_id = any(${deviceIds})`,
    'find-desired-versions',
  )
}

/** The twins of these devices, locked in the order of their ids, so that two batches cannot wait for each other. */
export function lockTwins(tx: Tx, deviceIds: readonly string[]): Promise<TwinRow[]> {
  return tx.query<TwinRow>(
    sql`select ${columns} from twin where device_id = any(${deviceIds}) order by device_id for update`,
    'lock-twins',
  )
}

/** What services write of a twin, and the counters that go with it. */
export async function saveDesired(tx: Tx, twins: readonly TwinRow[]): Promise<void> {
  await tx.query(
    sql`update twin
        set tags = saved.tags, desired = saved.desired, desired_metadata = saved.desired_metadata,
            desired_version = saved.desired_version, version = saved.version, etag_version = saved.etag_version
        from unnest(
          ${twins.map((twin) => twin.deviceId)}::text[],
          ${twins.map((twin) => JSON.stringify(twin.tags))}::jsonb[],
          ${twins.map((twin) => JSON.stringify(twin.desired))}::jsonb[],
          ${twins.map((twin) => JSON.stringify(twin.desiredMetadata))}::jsonb[],
          ${twins.map((twin) => twin.desiredVersion)}::integer[],
          ${twins.map((twin) => twin.version)}::integer[],
          ${twins.map((twin) => twin.etagVersion)}::integer[]
        ) as saved (device_id, tags, desired, desired_metadata, desired_version, version, etag_version)
        where twin.device_id = saved.device_id`,
    'save-desired',
  )
}

/** What the device writes of its twin. */
export async function saveReported(tx: Tx, twin: TwinRow): Promise<void> {
  await tx.query(
    sql`update twin
        set reported = ${JSON.stringify(twin.reported)}::jsonb,
            reported_metadata = ${JSON.stringify(twin.reportedMetadata)}::jsonb,
            reported_version = ${twin.reportedVersion},
            version = ${twin.version}
        where device_id = ${twin.deviceId}`,
    'save-reported',
  )
}
