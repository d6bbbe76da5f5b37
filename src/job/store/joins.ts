import { empty, sqltag as sql } from '@prisma/client/runtime/client'
import { boundedFragment } from '../../database/bounded-fragment.ts'
import type { BoundedReader } from '../../database/bounded-read.ts'
import { devicesWhere } from '../../database/meets-condition.ts'
import type { Reader, Tx } from '../../database/reader.ts'
import type { Scope } from '../../scope.ts'
import type { DeviceCondition, Fragment } from '../../sql-fragment.ts'
import type { JobStatus } from '../state.ts'
import { groupOf } from './budget-groups.ts'
import { hasOutcome, isDispatched, keyOf, target } from './facts.ts'
import type { JobRow } from './jobs.ts'

/** Seconds after which all devices are looked at again, for changes that no event reported. */
const lookSeconds = 60

/** A running job that devices may join. `isDue`: all devices have to be looked at. */
export type ContinuousJob = Pick<JobRow, 'id' | 'type' | 'queryCondition' | 'scope' | 'budgetGroupBy'> & {
  readonly isDue: boolean
  readonly isAnyWaiting: boolean
}

export function findContinuousJobs(db: Reader): Promise<ContinuousJob[]> {
  return db.query<ContinuousJob>(
    sql`select id, type, query_condition as "queryCondition", scope, budget_group_by as "budgetGroupBy",
               coalesce(looked_time < clock_timestamp() - ${lookSeconds}::integer * interval '1 second', true) as "isDue",
               pending_count > 0 as "isAnyWaiting"
        from job
        where targets = 'continuous' and end_time is null and status = 'running'
          and (max_devices is null or device_count < max_devices)
        order by key`,
    'find-continuous-jobs',
  )
}

/** Whether this instance looks at all devices now: one instance does so at a time. `isForced`: although it is not due. */
export async function claimLook(tx: Tx, jobId: string, isForced: boolean): Promise<boolean> {
  const rows = await tx.query(
    sql`update job set looked_time = clock_timestamp()
        where id = ${jobId} and end_time is null and status = 'running'
          and (${isForced} or looked_time is null
               or looked_time < clock_timestamp() - ${lookSeconds}::integer * interval '1 second')
        returning 1`,
  )
  return rows.length > 0
}

/** The next look comes so many seconds later. */
export async function postponeLook(tx: Tx, jobId: string, seconds: number): Promise<void> {
  await tx.query(
    sql`update job set looked_time = clock_timestamp() + make_interval(secs => ${seconds}) where id = ${jobId}`,
  )
}

/** A device that may join. `group` is null without a budget. */
export type JoiningDevice = { readonly deviceId: string; readonly group: string | null }

/** Up to `limit` devices in the scope that meet the condition and are no targets of the job; only those in `among`, if given. */
export function findJoining(
  db: BoundedReader,
  scope: Scope,
  condition: DeviceCondition,
  {
    jobId,
    among,
    groupBy,
    limit,
  }: {
    readonly jobId: string
    readonly among: readonly string[] | undefined
    readonly groupBy: Fragment | undefined
    readonly limit: number
  },
): Promise<JoiningDevice[]> {
  const group = groupBy === undefined ? sql`null` : sql`(${groupOf(boundedFragment(db, groupBy))})::text`
  return db.query<JoiningDevice>(
    sql`select d.id as "deviceId", ${group} as group
        ${devicesWhere(db, scope, condition)}
          and not exists (select from device_job where job_key = ${keyOf(jobId)} and device_id = d.id)
          ${among === undefined ? empty : sql`and d.id = any(${among})`}
        limit ${limit}`,
  )
}

/**
 * Makes these devices targets of the running job, as far as they still exist and there is room for them. Returns those that are new,
 * and whether an abort rule has cancelled the job because one waits again. The history has one event per day for devices that join
 * one after the other.
 */
export async function saveJoined(
  tx: Tx,
  jobId: string,
  joining: readonly JoiningDevice[],
  now: Date,
): Promise<{ readonly deviceIds: readonly string[]; readonly isCancelled: boolean }> {
  const rows = await tx.query<{ deviceId: string; status: JobStatus }>(
    sql`with open as (
          select key, version + 1 as next_version, budget_group_by, max_devices - device_count as room from job
          where id = ${jobId} and end_time is null and status = 'running'
          for no key update
        ), target as (
          insert into device_job (job_key, device_id, group_key)
          select open.key, given.device_id, case when budget_group_by is not null then given.group_key end
          from open
          cross join unnest(
            ${joining.map(({ deviceId }) => deviceId)}::text[], ${joining.map(({ group }) => group)}::bigint[]
          ) as given (device_id, group_key)
          where exists (select from device where device.id = given.device_id)
          order by given.device_id
          limit (select greatest(coalesce(room, 2147483647), 0) from open)
          on conflict do nothing
          returning job_key, device_id, group_key
        ), grouped as (
          insert into budget_group (job_key, group_key, device_count)
          select job_key, group_key, count(*) from target where group_key is not null group by job_key, group_key
          on conflict (job_key, group_key) do update set device_count = budget_group.device_count + excluded.device_count
        ), moved as (
          update job
          set device_count = device_count + joined.count, pending_count = pending_count + joined.count, version = version + 1
          from (select job_key, count(*)::integer as count from target group by job_key) joined
          where job.key = joined.job_key
          returning job.key, status, joined.count
        ), windowed as (
          update job_window set device_count = device_count + moved.count
          from moved
          where job_window.job_key = moved.key and job_window.zone_key = 0
        ), merged as (
          update job_event
          set version = next_version, time = ${now}, device_count = device_count + moved.count
          from moved join open on open.key = moved.key
          where job_event.job_key = moved.key and type = 'devicesJoined'
            and job_event.version = (select max(last.version) from job_event last where last.job_key = moved.key)
            and date_trunc('day', time, 'UTC') = date_trunc('day', ${now}::timestamptz, 'UTC')
          returning 1
        ), noted as (
          insert into job_event (job_key, version, time, type, status, cause, device_count)
          -- As it was when they joined: an abort rule may have moved the job since, with an event of its own.
          select key, next_version, ${now}, 'devicesJoined', 'running', 'devices', count from moved join open using (key)
          where not exists (select from merged)
        )
        select device_id as "deviceId", moved.status from target join moved on moved.key = target.job_key order by device_id`,
    'save-joined',
  )
  return { deviceIds: rows.map((row) => row.deviceId), isCancelled: rows[0]?.status === 'cancelled' }
}

/** A page of the connected devices for which calls of a method job wait, wherever they are connected, by id. */
export async function findWaitingConnected(db: Reader, jobId: string, after: string, limit: number): Promise<string[]> {
  const rows = await db.query<{ deviceId: string }>(
    sql`select target.device_id as "deviceId" from device_job target
        where target.job_key = ${keyOf(jobId)} and target.device_id > ${after}
          and not ${isDispatched(target)} and not ${hasOutcome(target)}
          and exists (select from device where device.id = target.device_id and connection_state = 'connected')
        order by target.device_id
        limit ${limit}`,
  )
  return rows.map((row) => row.deviceId)
}

/**
 * How many targets of the job do not meet the condition any more, or exist no more or not in the scope, counted up to `limit`.
 */
export async function countLeft(
  db: BoundedReader,
  scope: Scope,
  condition: DeviceCondition,
  { jobId, limit }: { readonly jobId: string; readonly limit: number },
): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    sql`select count(*)::integer as count
        from (
          select from device_job target
          where target.job_key = ${keyOf(jobId)}
            and not exists (select ${devicesWhere(db, scope, condition)} and d.id = target.device_id)
          limit ${limit}
        ) left_behind`,
  )
  return row?.count ?? 0
}
