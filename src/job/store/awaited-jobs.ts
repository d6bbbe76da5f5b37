import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import { devicesWhere } from '../../database/meets-condition.ts'
import type { Reader, Tx } from '../../database/reader.ts'
import type { Scope } from '../../scope.ts'
import type { DeviceCondition } from '../../sql-fragment.ts'
import { hasOutcome, isDispatched } from './facts.ts'

// A job that has started keeps others from its devices, if these give way: until it has ended, those whose device jobs have not.

/** Whether `job`, which has not started, waits for another one. Without one, nothing is looked up. */
export const isAwaiting = sql`(
  job.waits_for is not null and exists (
    select from job other
    where other.key = job.waits_for and other.end_time is null and other.pending_count + other.running_count > 0
  )
)`

/** Whether `job` need not look again yet. The other job may have left the devices of this one long before its end. */
export const isAsleep = sql`(
  ${isAwaiting} and coalesce(job.looked_time > clock_timestamp() - interval '1 minute', false)
)`

/** A job that has started. `deviceCount` grows when devices join it. */
export type StartedJob = { readonly id: string; readonly key: string; readonly deviceCount: number }

/** The jobs that have started and have open device jobs, the one that has run longest first. */
export function findStartedJobs(db: Reader): Promise<StartedJob[]> {
  return db.query<StartedJob>(
    sql`select id, key, device_count as "deviceCount" from job
        where end_time is null and started_time is not null and pending_count + running_count > 0
        order by started_time, id`,
    'find-started-jobs',
  )
}

/** A started job, and a device whose device job is open in it. */
export type Overlap = StartedJob & { readonly deviceId: string }

const [mine, theirs] = [sql`mine`, sql`theirs`]

/** Whether the device job `theirs` of the job `other` is open. A lookup for each row. */
const isOpen = sql`(not ${hasOutcome(theirs)} and (other.status <> 'cancelled' or ${isDispatched(theirs)}))`

/**
 * The first of these jobs that has an open device job of a device of the job with this key, and such a device. Of two jobs,
 * the devices of the smaller one are looked up in the other. `deviceCount` is that of the job; left out when the job has
 * stored it.
 */
export async function findFirstOverlap(
  db: Reader,
  key: string,
  deviceCount: number | undefined,
  others: readonly StartedJob[],
): Promise<Overlap | undefined> {
  // A scalar subquery is a lookup for each row; for a join PostgreSQL might read the whole job, of which it has no statistics yet.
  const [row] = await db.query<{ key: string; deviceId: string }>(
    sql`select other.key, common.device_id as "deviceId"
        from (
          select job.key, job.status, job.device_count
          from unnest(${others.map((other) => other.key)}::bigint[]) with ordinality as started (key, place)
          join job on job.key = started.key
          order by place
        ) other
        cross join lateral (
          select case
            when other.device_count < coalesce(
              ${deviceCount ?? null}::integer, (select device_count from job where job.key = ${key}::bigint)
            ) then (
              select theirs.device_id from device_job ${theirs}
              where theirs.job_key = other.key and ${isOpen} and (
                select true from device_job ${mine}
                where mine.job_key = ${key}::bigint and mine.device_id = theirs.device_id
              )
              limit 1
            )
            else (
              select mine.device_id from device_job ${mine}
              where mine.job_key = ${key}::bigint and (
                select true from device_job ${theirs}
                where theirs.job_key = other.key and theirs.device_id = mine.device_id and ${isOpen}
              )
              limit 1
            )
          end as device_id
          offset 0 -- evaluated once
        ) common
        where common.device_id is not null
        limit 1`,
    'find-first-overlap',
  )
  const found = others.find((other) => other.key === row?.key)
  return found && row && { ...found, deviceId: row.deviceId }
}

/** The first started job in which the device job of this device is open. */
const inWhichOpen = (deviceId: Sql): Sql => sql`
  from job other
  where other.end_time is null and other.started_time is not null and other.pending_count + other.running_count > 0
    and (
      select true from device_job ${theirs}
      where theirs.job_key = other.key and theirs.device_id = ${deviceId} and ${isOpen}
    )
  order by other.started_time, other.id
  limit 1`

export async function findOverlapOf(db: Reader, deviceId: string): Promise<Overlap | undefined> {
  const [row] = await db.query<StartedJob>(
    sql`select other.id, other.key, other.device_count as "deviceCount" ${inWhichOpen(sql`${deviceId}`)}`,
    'find-overlap-of',
  )
  return row && { ...row, deviceId }
}

/** Whether a device in the scope meets a condition. */
export async function isDeviceSelected(
  db: BoundedReader,
  scope: Scope,
  condition: DeviceCondition,
  deviceId: string,
): Promise<boolean> {
  const rows = await db.query(sql`select ${devicesWhere(db, scope, condition)} and d.id = ${deviceId}`)
  return rows.length > 0
}

/**
 * Jobs that wait for another one, which has ended since, wait for the first started job in which their common device is open, and do
 * not look at their other devices. Returns their ids. The common device may have left the condition, so they look again a minute after
 * their last look, as ever. What another transaction has locked is left to the next call.
 */
export async function awaitNext(tx: Tx): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    sql`with woken as (
          select id, common_device from job
          where end_time is null and status = 'queued' and common_device is not null
            and looked_time > clock_timestamp() - interval '1 minute' and not ${isAwaiting}
          for no key update skip locked
        ), blocked as (
          select woken.id, (
            select other.key ${inWhichOpen(sql`woken.common_device`)}
          ) as key
          from woken
        )
        update job set waits_for = blocked.key, version = version + 1
        from blocked
        where job.id = blocked.id and blocked.key is not null
        returning job.id`,
    'await-next',
  )
  return rows.map((row) => row.id)
}

/** For those of these jobs that wait for another one, the id of that job. */
export function findAwaitedJobs(
  db: Reader,
  jobIds: readonly string[],
): Promise<{ readonly jobId: string; readonly awaitedId: string }[]> {
  return db.query(
    sql`select job.id as "jobId", awaited.id as "awaitedId"
        from job join job awaited on awaited.key = job.waits_for
        where job.id = any(${jobIds}) and ${isAwaiting}`,
  )
}
