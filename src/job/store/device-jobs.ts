import { empty, join, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { boundedFragment } from '../../database/bounded-fragment.ts'
import type { BoundedReader } from '../../database/bounded-read.ts'
import type { Reader } from '../../database/reader.ts'
import { bytesOf, type WithBytes } from '../../database/within-bytes.ts'
import type { Scope } from '../../scope.ts'
import type { Fragment } from '../../sql-fragment.ts'
import type { JobType } from '../request.ts'
import type { DeviceJobStatus } from '../state.ts'
import { type DeviceJobKey, isSkipped, selectedTime } from './facts.ts'
import { andVisible } from './own-jobs.ts'

/**
 * A device job with its facts and what follows from them. `version` is its place among the device jobs of its job with
 * an outcome of their own, in the order in which they ended; device jobs of one batch share it.
 */
export type DeviceJobView = DeviceJobKey & {
  readonly status: DeviceJobStatus
  readonly version: number | null
  readonly dispatchedTime: Date | null
  readonly endedTime: Date | null
  readonly responseStatus: number | null
  readonly errorCode: string | null
  readonly errorDescription: string | null
  /** Whether a twin update left the twin as it was. */
  readonly skipped: boolean
  /** How many attempts have ended and are repeated: not the last one, unless the device waits for another. */
  readonly repeatedCount: number
}

/** The error code of outcomes of device jobs that were cancelled one by one. It is not an error, and no client sees it. */
export const cancelledCode = sql`'Canceled'`

/** The rule of `deriveDeviceJobStatus` (job/state.ts) in SQL; a test compares the two. */
export const status = sql`case
    when o.job_key is not null then case
      when o.error_code is null then 'completed' when o.error_code = ${cancelledCode} then 'canceled' else 'failed' end
    when job.status = 'cancelled' and x.job_key is null then 'canceled'
    when job.end_time is not null then 'failed'
    when x.job_key is null then 'pending'
    else 'running'
  end`

/** `firstFailureStatus` (job/state.ts), as a literal: the index of failures has the same condition. */
export const failureStatus = sql`400`

/** Whether a device job's outcome is an answer with a failure. Its status is completed. */
export const isRefused = sql`(o.error_code is null and coalesce(o.response_status >= ${failureStatus}, false))`

/** The rule of `deviceJobResult` (job/state.ts) in SQL; a test compares the two. */
export const result = sql`case ${status}
    when 'completed' then case when ${isRefused} then 'refused' else 'succeeded' end
    when 'canceled' then 'cancelled'
    else ${status}
  end`

/** Whether a device job is completed and not refused. */
export const hasSucceeded = sql`(${status} = 'completed' and not ${isRefused})`

/**
 * The rows `device`, counted by their columns `status`, `refused` and `skipped`. A row of an outer join, without a status, does not
 * count.
 */
export const statistics = sql`
  count(device.status)::integer as "deviceCount",
  count(*) filter (where device.status = 'pending')::integer as "pendingCount",
  count(*) filter (where device.status = 'running')::integer as "runningCount",
  count(*) filter (where device.status = 'completed')::integer as "succeededCount",
  count(*) filter (where device.refused)::integer as "refusedCount",
  count(*) filter (where device.skipped)::integer as "skippedCount",
  count(*) filter (where device.status = 'failed')::integer as "failedCount",
  count(*) filter (where device.status = 'canceled')::integer as "cancelledCount"`

/** The error code of a device job that failed without an outcome of its own: its job ended before. */
export const timeUp = 'JobRunPreconditionFailed'

/** The message for a call that was not sent, and for one that was; unless the job as a whole has a reason. */
export const notCalled = sql`coalesce(job.failure_reason, ${'The device did not connect before the deadline of the job, or was disabled.'})`
export const notAnswered = sql`coalesce(job.failure_reason, ${'The device did not answer before the deadline of the job.'})`

/** The columns of a device job, from its row `target`, its job's row `job` and its facts `x` and `o`. */
export const view = sql`
  job.id as "jobId", target.device_id as "deviceId", ${status} as status, o.version, x.dispatched_time as "dispatchedTime",
  case when ${status} in ('completed', 'failed', 'canceled') then coalesce(o.ended_time, job.end_time) end
    as "endedTime",
  o.response_status as "responseStatus",
  case when ${status} = 'failed' then coalesce(o.error_code, ${timeUp}) end as "errorCode",
  case when ${status} = 'failed' then coalesce(
    o.error_description,
    case when x.job_key is null then ${notCalled} else ${notAnswered} end
  ) end as "errorDescription",
  ${isSkipped(sql`o`)} as skipped,
  case when job.rollout ? 'retry' then attempt_of(job.key, target.device_id) - 1 else 0 end as "repeatedCount"`

/** The facts of `target`. */
export const facts = (): Sql => sql`
  left join device_job_dispatch x on x.job_key = target.job_key and x.device_id = target.device_id
  left join device_job_outcome o on o.job_key = target.job_key and o.device_id = target.device_id`

/** A page contains the rows after (`forward`) or before `cursor`, nearest first. */
export type Page<Cursor> = { readonly cursor: Cursor | undefined; readonly forward: boolean; readonly limit: number }

/** A device job and when its job was scheduled: together with the job's id, its place among those of its device. */
export type DeviceJobInTime = DeviceJobView & { readonly jobCreatedTime: Date }

/**
 * The device jobs of each of these devices that are visible in the scope, those of the newest job first: at most
 * `limit` per device, beyond `cursor`. Goes through the jobs and looks the device up in each, so that the facts need no
 * further index.
 */
export function findDeviceJobsByDevice(
  db: BoundedReader,
  scope: Scope,
  deviceIds: readonly string[],
  { cursor, limit }: Omit<Page<{ readonly id: string; readonly time: Date }>, 'forward'>,
): Promise<DeviceJobInTime[]> {
  const beyond = cursor && sql`where (job.created_time, job.id) < (${cursor.time}, ${cursor.id})`
  return db.query<DeviceJobInTime>(
    sql`select page.*
        from unnest(${deviceIds}::text[]) as device (id)
        cross join lateral (
          select ${view}, job.created_time as "jobCreatedTime"
          from job join device_job target on target.job_key = job.key and target.device_id = device.id${andVisible(scope)} ${facts()}
          ${beyond ?? empty}
          order by job.created_time desc, job.id desc
          limit ${limit}
        ) page
        order by page."jobCreatedTime" desc, page."jobId" desc`,
  )
}

/** How many device jobs of these devices are visible in the scope; devices without any are left out. */
export function countDeviceJobsByDevice(
  db: BoundedReader,
  scope: Scope,
  deviceIds: readonly string[],
): Promise<{ readonly deviceId: string; readonly count: number }[]> {
  return db.query<{ deviceId: string; count: number }>(
    sql`select device.id as "deviceId", count(*)::integer as count
        from unnest(${deviceIds}::text[]) as device (id)
        cross join job
        join device_job target on target.job_key = job.key and target.device_id = device.id${andVisible(scope)}
        group by device.id`,
  )
}

/**
 * These device jobs, in no particular order; those that do not exist, or are not visible in the scope, are left out.
 */
export function findDeviceJobsByKey(db: Reader, scope: Scope, keys: readonly DeviceJobKey[]): Promise<DeviceJobView[]> {
  if (keys.length === 0) return Promise.resolve([])
  const pairs = keys.map((key) => sql`(${key.jobId}, ${key.deviceId})`)
  return db.query<DeviceJobView>(
    sql`select ${view}
        from (values ${join(pairs)}) as given (job_id, device_id)
        join job on job.id = given.job_id
        join device_job target on target.job_key = job.key and target.device_id = given.device_id${andVisible(scope)} ${facts()}`,
  )
}

/** A device's answer as JSON text. */
export type DeviceJobPayload = DeviceJobKey & { readonly payload: string | null }

/**
 * The answers of these devices, as far as they are visible in the scope, and their total bytes. Of more than `maxBytes`
 * only the beginning is read: the database knows the length of a text without reading it.
 */
export async function findPayloads(
  db: Reader,
  scope: Scope,
  keys: readonly DeviceJobKey[],
  maxBytes: number,
): Promise<{ readonly payloads: DeviceJobPayload[]; readonly bytes: number }> {
  const rows = await db.query<DeviceJobPayload & { bytes: string | null }>(
    sql`select "jobId", "deviceId", bytes, case when bytes <= ${maxBytes} then response_payload end as payload
        from (
          select job.id as "jobId", o.device_id as "deviceId", o.response_payload,
                 sum(octet_length(o.response_payload)) over (rows unbounded preceding) as bytes
          from unnest(
            ${keys.map(({ jobId }) => jobId)}::text[], ${keys.map(({ deviceId }) => deviceId)}::text[]
          ) as given (job_id, device_id)
          join job on job.id = given.job_id
          join device_job_outcome o on o.job_key = job.key and o.device_id = given.device_id${andVisible(scope, sql`o`)}
        ) answered`,
  )
  return { payloads: rows, bytes: rows.reduce((most, { bytes }) => Math.max(most, Number(bytes ?? 0)), 0) }
}

// Statements: SELECT … FROM devices.jobs

/** A device job with the fields of its job in `devices.jobs`. `updatedTime`: when the last of its facts was written. */
export type DeviceJobRow = DeviceJobView & {
  readonly responsePayload: string | null
  readonly jobKey: string
  readonly jobType: JobType
  readonly startTime: Date
  readonly deadline: Date
  readonly createdTime: Date
  readonly updatedTime: Date
}

/**
 * The facts of `target`, looked up row by row. The planner assumes that a condition on the status selects almost
 * nothing; if it could choose (`facts`), it would read all facts of a job for every page.
 */
const factsOneByOne = sql`
  left join lateral (
    select * from device_job_dispatch x where x.job_key = target.job_key and x.device_id = target.device_id offset 0
  ) x on true
  left join lateral (
    select * from device_job_outcome o where o.job_key = target.job_key and o.device_id = target.device_id offset 0
  ) o on true`

/** The place of a device job in the order of `findDeviceJobRows`. */
export type DeviceJobPlace = { readonly jobKey: string; readonly deviceId: string }

/**
 * A page of the device jobs that meet both conditions and are visible in the scope: those of the newest job first,
 * within a job by device id. `ofJob` concerns the row `job` only and selects the jobs, one after the other, before
 * their devices are read; `ofDeviceJob` concerns `job` and `v`, the columns of a device job.
 */
export async function findDeviceJobRows(
  db: BoundedReader,
  scope: Scope,
  { ofJob, ofDeviceJob }: { readonly ofJob: Fragment; readonly ofDeviceJob: Fragment },
  { cursor, limit }: Pick<Page<DeviceJobPlace>, 'cursor' | 'limit'>,
  maxBytes: number,
): Promise<{ readonly rows: DeviceJobRow[]; readonly cut: boolean }> {
  const jobs =
    cursor === undefined
      ? sql`select job.*, '' as after from job where ${boundedFragment(db, ofJob)}`
      : sql`select job.*, case when job.key = ${cursor.jobKey}::bigint then ${cursor.deviceId} else '' end as after
            from job
            where job.key <= ${cursor.jobKey}::bigint and ${boundedFragment(db, ofJob)}`
  const rows = await db.query<DeviceJobRow & WithBytes>(
    sql`select *
        from (
          select found.*, coalesce(octet_length("responsePayload"), 0) as size,
                 sum(coalesce(octet_length("responsePayload"), 0)) over (order by "jobKey" desc, "deviceId") as bytes
          from (
            select page.*
            from (${jobs}) job
            cross join lateral (
              select v.*
              from (
                select ${view}, o.response_payload as "responsePayload", job.key as "jobKey", job.type as "jobType",
                       job.start_time as "startTime", job.deadline, ${selectedTime} as "createdTime",
                       coalesce(
                         case when ${status} in ('completed', 'failed', 'canceled')
                           then coalesce(o.ended_time, job.end_time) end,
                         x.dispatched_time,
                         ${selectedTime}
                       ) as "updatedTime"
                from device_job target ${factsOneByOne}
                where target.job_key = job.key and target.device_id > job.after${andVisible(scope)}
              ) v
              where ${boundedFragment(db, ofDeviceJob)}
              order by v."deviceId"
              limit ${limit}
            ) page
            order by job.key desc, page."deviceId"
            limit ${limit}
          ) found
        ) summed
        where bytes - size <= ${maxBytes}
        order by "jobKey" desc, "deviceId"`,
  )
  return { rows, cut: bytesOf(rows) > maxBytes }
}
