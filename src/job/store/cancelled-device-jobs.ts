import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import { inScope } from '../../database/in-scope.ts'
import type { Reader, Tx } from '../../database/reader.ts'
import type { Scope } from '../../scope.ts'
import type { DeviceCondition } from '../../sql-fragment.ts'
import type { DeviceJobCancellation } from '../cancel-device-jobs.ts'
import type { By } from '../history.ts'
import { isMet } from './device-job-list.ts'
import { hasOutcome, keyOf, target } from './facts.ts'

const isInScope = (scope: Scope): Sql => sql`(true${inScope(scope, sql`target.device_id`)})`

/** Devices, as PostgreSQL prints an array of ids. It goes back to the database and is not read here, because it may be long. */
export type DeviceList = { readonly ids: string; readonly count: number }

/** A device of a job as a list, and whether its device job has an outcome; undefined when it is not in the job or the scope. */
export async function findDeviceOfJob(
  db: Reader,
  scope: Scope,
  jobId: string,
  deviceId: string,
): Promise<(DeviceList & { readonly hasEnded: boolean }) | undefined> {
  const [row] = await db.query<DeviceList & { hasEnded: boolean }>(
    sql`select array[device_id]::text as ids, 1 as count, ${hasOutcome(target)} as "hasEnded"
        from device_job target
        where job_key = ${keyOf(jobId)} and device_id = ${deviceId} and ${isInScope(scope)}`,
  )
  return row
}

/** The devices of a job without an outcome that are in the scope and meet a condition: at most `limit` of them. */
export async function findOpenDevices(
  db: BoundedReader,
  scope: Scope,
  jobId: string,
  condition: DeviceCondition | undefined,
  limit: number,
): Promise<DeviceList> {
  const isSelected = condition === undefined ? isInScope(scope) : isMet(db, scope, condition)
  const [row] = await db.query<DeviceList>(
    sql`select count(*)::integer as count, coalesce(array_agg(device_id), '{}')::text as ids
        from (
          select device_id from device_job target
          where job_key = ${keyOf(jobId)} and not ${hasOutcome(target)} and ${isSelected}
          limit ${limit}
        ) open`,
  )
  return row ?? { count: 0, ids: '{}' }
}

/** What was cancelled, and how many device jobs of the job have not ended. */
export type SavedCancellation = Pick<DeviceJobCancellation, 'cancelled' | 'underWay'> & { readonly open: number }

/**
 * Cancels those of the devices that wait, under the lock of the job. If there are any, the history has it. Undefined when the
 * job does not run and is not paused. The event says what the client had `selected`.
 */
export async function saveDeviceJobsCancelled(
  tx: Tx,
  jobId: string,
  { ids, selected }: { readonly ids: string; readonly selected: Omit<DeviceJobCancellation, 'cancelled' | 'underWay'> },
  by: By,
  reason: string | null,
  now: Date,
): Promise<SavedCancellation | undefined> {
  const [row] = await tx.query<{ [Name in keyof SavedCancellation]: SavedCancellation[Name] | null }>(
    sql`select cancelled_count as cancelled, under_way_count as "underWay", open_count as open
        from cancel_device_jobs(
          ${jobId}, ${ids}::text[], ${now}::timestamptz, ${by.name}, ${by.id}, ${reason}, ${JSON.stringify(selected)}::jsonb
        )`,
  )
  if (row === undefined || row.cancelled === null || row.underWay === null || row.open === null) return undefined
  return { cancelled: row.cancelled, underWay: row.underWay, open: row.open }
}
