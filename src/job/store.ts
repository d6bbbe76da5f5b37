import { empty, sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../database/client.ts'
import type { MethodCall } from '../method/call.ts'
import type { TwinPatch } from '../twin/limits.ts'
import type { By } from './history.ts'
import { noteMoved } from './history-store.ts'
import type { JobType } from './request.ts'
import type { Retry } from './retry.ts'
import type { JobStatus } from './state.ts'
import type { DeviceJobStatistics } from './statistics.ts'

/** What a job does, as its row holds it: what `job/request.ts` let in. */
export type JobOperation =
  | { readonly type: 'scheduleDeviceMethod'; readonly request: MethodCall }
  | { readonly type: 'scheduleUpdateTwin'; readonly request: TwinPatch }

/** A job's row, as far as the commands and the scheduler look at it. */
export type JobRow = JobOperation & {
  readonly id: string
  readonly status: JobStatus
  readonly queryCondition: string
  readonly createdTime: Date
  readonly startTime: Date
  readonly startedTime: Date | null
  readonly maxExecutionTimeSeconds: number
  readonly deadline: Date
  /** How many devices it may have when it starts; null for any number. */
  readonly maxDevices: number | null
  /** What it does again; null for a job that is no retry. */
  readonly retry: Retry | null
}

/** The columns of a `JobRow`. */
export const columns = sql`
  id, type, status, query_condition as "queryCondition", request, created_time as "createdTime",
  start_time as "startTime", started_time as "startedTime",
  max_execution_time_seconds as "maxExecutionTimeSeconds", deadline, max_devices as "maxDevices",
  case when retry_of is not null then json_build_object(
    'sourceKey', retry_of::text, 'familyKey', family_key::text, 'selection', retry_selection
  ) end as retry`

// Jobs

/** False when the id is taken. `reason` is kept in its history. */
export async function insertJob(
  tx: Tx,
  job: Omit<JobRow, 'startedTime'>,
  by: By,
  reason: string | null = null,
): Promise<boolean> {
  const { retry } = job
  const rows = await tx.query(
    sql`with moved as (
          insert into job (
            id, type, status, query_condition, request, created_time, start_time, max_execution_time_seconds, deadline,
            max_devices, retry_of, family_key, retry_selection
          )
          values (
            ${job.id}, ${job.type}, ${job.status}, ${job.queryCondition}, ${JSON.stringify(job.request)}::json,
            ${job.createdTime}, ${job.startTime}, ${job.maxExecutionTimeSeconds}, ${job.deadline},
            ${job.maxDevices}, ${retry?.sourceKey ?? null}::bigint, ${retry?.familyKey ?? null}::bigint,
            ${retry === null ? null : JSON.stringify(retry.selection)}::json
          )
          on conflict do nothing
          returning key, version, status
        )
        ${noteMoved({ type: 'scheduled', cause: 'user', time: job.createdTime, by, reason })}
        returning job_key`,
  )
  return rows.length > 0
}

/** Locks the job for a change of its state or counters. */
export async function lockJob(tx: Tx, id: string): Promise<JobRow | undefined> {
  const [row] = await tx.query<JobRow>(sql`select ${columns} from job where id = ${id} for no key update`)
  return row
}

/** A job that a retry is to be made of. `ended`: its end time is set. */
export type SourceRow = JobRow & { readonly key: string; readonly ended: boolean }

/** Keeps the job from being deleted until the transaction is over, and with it the retry stands. */
export async function lockSource(tx: Tx, id: string): Promise<SourceRow | undefined> {
  const [row] = await tx.query<SourceRow>(
    sql`select ${columns}, key, end_time is not null as ended from job where id = ${id} for key share`,
  )
  return row
}

/** Scheduled jobs whose time has come wait for a slot from now on. Answers their ids. */
export async function queueDueJobs(tx: Tx, now: Date): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    sql`with moved as (
          update job set status = 'queued', version = version + 1
          where end_time is null and status = 'scheduled' and start_time <= ${now}
          returning id, key, version, status
        ), noted as (
          ${noteMoved({ type: 'queued', cause: 'schedule', time: now })}
        )
        select id from moved`,
  )
  return rows.map((row) => row.id)
}

/** Until the transaction ends, no other instance starts jobs: the bound on running jobs holds for all of them. */
export async function lockStarting(tx: Tx): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(hashtext('twincast start jobs'))`)
}

/** The first of the waiting jobs, unless `maxRunning` jobs run already. */
export async function lockNextDueJob(tx: Tx, maxRunning: number): Promise<JobRow | undefined> {
  const [row] = await tx.query<JobRow>(
    sql`select ${columns} from job
        where end_time is null and status = 'queued'
          and (select count(*) from job where end_time is null and status = 'running') < ${maxRunning}
        order by start_time, created_time, id
        limit 1
        for no key update skip locked`,
  )
  return row
}

/** When the next scheduled job is due. */
export async function nextStartTime(db: Reader): Promise<Date | undefined> {
  const [row] = await db.query<{ startTime: Date | null }>(
    sql`select min(start_time) as "startTime" from job where end_time is null and status = 'scheduled'`,
  )
  return row?.startTime ?? undefined
}

/** The job has its devices; without any it is completed at once. */
export async function saveStarted(
  tx: Tx,
  id: string,
  { status, deviceCount, now }: { status: JobStatus; deviceCount: number; now: Date },
): Promise<void> {
  const ended = status === 'completed'
  await tx.query(
    sql`with moved as (
          update job
          set status = ${status}, started_time = ${now}, end_time = ${ended ? now : null},
              device_count = ${deviceCount}, pending_count = ${deviceCount}, version = version + 1
          where id = ${id}
          returning key, version, status
        )
        ${noteMoved({ type: ended ? 'completed' : 'started', cause: ended ? 'devices' : 'schedule', time: now })}`,
  )
}

/** The job as a whole could not be carried out. */
export async function saveFailed(tx: Tx, id: string, reason: string, now: Date): Promise<void> {
  await tx.query(
    sql`with moved as (
          update job
          set status = 'failed', failure_reason = ${reason}, end_time = ${now},
              failed_count = failed_count + pending_count + running_count, pending_count = 0, running_count = 0,
              version = version + 1
          where id = ${id}
          returning key, version, status
        )
        ${noteMoved({ type: 'failed', cause: 'hub', time: now, reason })}`,
  )
}

/** One row, however many devices wait: they are canceled by it. It ends when its calls under way have ended. */
export async function saveCancelled(tx: Tx, id: string, by: By, reason: string | null, now: Date): Promise<void> {
  await tx.query(
    sql`with moved as (
          update job
          set status = 'cancelled', status_message = ${reason},
              canceled_count = canceled_count + pending_count, pending_count = 0,
              end_time = case when running_count = 0 then ${now}::timestamptz end, version = version + 1
          where id = ${id}
          returning key, version, status
        )
        ${noteMoved({ type: 'cancelled', cause: 'user', time: now, by, reason })}`,
  )
}

/** Jobs with nothing open any more, and jobs whose time is up. What is still open then has failed. */
export async function finishJobs(tx: Tx, now: Date): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    sql`with finished as (
          select id, pending_count + running_count as open from job
          where end_time is null
            and (status in ('running', 'cancelled') and pending_count = 0 and running_count = 0
                 or status <> 'scheduled' and deadline <= ${now})
          order by id
          for no key update
        ), moved as (
          update job
          set status = case job.status when 'running' then 'completed' when 'queued' then 'failed' else job.status end,
              failure_reason = case job.status when 'queued'
                then 'The time for this job was up before one of the running jobs had made room for it.'
                else job.failure_reason end,
              failed_count = failed_count + pending_count + running_count, pending_count = 0, running_count = 0,
              end_time = ${now}, version = version + 1
          from finished
          where job.id = finished.id
          returning job.id, job.key, job.version, job.status, job.failure_reason, finished.open
        ), noted as (
          ${noteMoved({
            type: sql`case status when 'cancelled' then 'ended' else status end`,
            cause: sql`case when status = 'failed' or open > 0 then 'deadline' else 'devices' end`,
            time: now,
            reason: sql`failure_reason`,
          })}
        )
        select id from moved`,
    'finish-jobs',
  )
  return rows.map((row) => row.id)
}

/** The next moment at which a job's time is up. */
export async function nextDeadline(db: Reader): Promise<Date | undefined> {
  const [row] = await db.query<{ deadline: Date | null }>(
    sql`select min(deadline) as deadline from job where end_time is null and status <> 'scheduled'`,
    'next-deadline',
  )
  return row?.deadline ?? undefined
}

/** The ids of running jobs of a type in which devices still wait, the longest running first. */
export async function findWaitingJobIds(db: Reader, type: JobType): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    sql`select id from job
        where end_time is null and status = 'running' and type = ${type} and pending_count > 0
        order by started_time, id`,
    'find-waiting-job-ids',
  )
  return rows.map((row) => row.id)
}

export async function findJob(db: Reader, id: string): Promise<JobRow | undefined> {
  const [row] = await db.query<JobRow>(sql`select ${columns} from job where id = ${id}`, 'find-job')
  return row
}

/** Running method jobs whose devices had `connectTimeoutInSeconds` to connect and have had it. */
export async function findConnectExpiredJobIds(db: Reader, now: Date): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    sql`select id from job
        where end_time is null and status = 'running' and type = 'scheduleDeviceMethod' and pending_count > 0
          and (request ->> 'connectTimeoutInSeconds')::integer > 0
          and started_time + make_interval(secs => (request ->> 'connectTimeoutInSeconds')::integer) <= ${now}
        order by id`,
    'find-connect-expired-job-ids',
  )
  return rows.map((row) => row.id)
}

/** How many calls of jobs are under way, through whichever process. */
export async function countUnderWay(db: Reader): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    sql`select coalesce(sum(running_count), 0)::integer as count from job where end_time is null`,
    'count-under-way',
  )
  return row?.count ?? 0
}

/** The key under which request ids are made, in hexadecimal, the same for all instances on this database. */
export async function readRequestKey(db: Reader): Promise<string> {
  const [row] = await db.query<{ requestKey: string }>(sql`select encode(request_key, 'hex') as "requestKey" from hub`)
  if (row === undefined) throw new Error('The table hub has lost its row.')
  return row.requestKey
}

/** The jobs that have not ended, or not before `time`: whose rows may have changed since. */
export async function findJobIdsSince(db: Reader, time: Date): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    sql`select id from job where end_time is null union all select id from job where end_time >= ${time}`,
  )
  return rows.map((row) => row.id)
}

// History

/** A retry that has not started takes its devices from the facts of the job. */
const isAwaited = sql`exists (
  select from job retry where retry.retry_of = job.key and retry.started_time is null and retry.end_time is null
)`

/** Deletes up to `limit` jobs that ended before `time`, with all their facts and events; not while a retry needs them. */
export async function deleteJobsEndedBefore(tx: Tx, time: Date, limit: number): Promise<string[]> {
  const locked = await tx.query<{ key: string }>(
    sql`select key from job
        where end_time < ${time} and not ${isAwaited}
        order by end_time
        limit ${limit}
        for update skip locked`,
  )
  // Asked again now that they are locked: whoever makes a retry locks its job too (lockSource).
  const jobs = await tx.query<{ id: string; key: string }>(
    sql`select id, key from job where key = any(${locked.map((job) => job.key)}::bigint[]) and not ${isAwaited}`,
  )
  const keys = jobs.map((job) => job.key)
  if (keys.length > 0) {
    await tx.query(sql`delete from device_job_outcome where job_key = any(${keys}::bigint[])`)
    await tx.query(sql`delete from device_job_dispatch where job_key = any(${keys}::bigint[])`)
    await tx.query(sql`delete from device_job where job_key = any(${keys}::bigint[])`)
    await tx.query(sql`delete from job where key = any(${keys}::bigint[])`)
  }
  return jobs.map((job) => job.id)
}

// Reads for the doors

/** A job as doors show it: how far it is, and what came of it. */
export type JobRecord = JobRow &
  DeviceJobStatistics & {
    readonly endTime: Date | null
    readonly failureReason: string | null
    readonly statusMessage: string | null
  }

const recordColumns = sql`${columns},
  end_time as "endTime", failure_reason as "failureReason", status_message as "statusMessage",
  device_count as "deviceCount", pending_count as "pendingCount", running_count as "runningCount",
  succeeded_count as "succeededCount", failed_count as "failedCount", canceled_count as "canceledCount"`

export async function findJobRecord(db: Reader, id: string): Promise<JobRecord | undefined> {
  const [row] = await db.query<JobRecord>(sql`select ${recordColumns} from job where id = ${id}`, 'find-job-record')
  return row
}

/** A page of jobs, those that were scheduled last first: at most `limit` beyond `cursor`. */
export function findJobRecords(
  db: Reader,
  { type, status }: { readonly type: JobType | undefined; readonly status: JobStatus | undefined },
  { cursor, limit }: { readonly cursor: Pick<JobRow, 'createdTime' | 'id'> | undefined; readonly limit: number },
): Promise<JobRecord[]> {
  return db.query<JobRecord>(
    sql`select ${recordColumns} from job
        where true
          ${type === undefined ? empty : sql`and type = ${type}`}
          ${status === undefined ? empty : sql`and status = ${status}`}
          ${cursor === undefined ? empty : sql`and (created_time, id) < (${cursor.createdTime}, ${cursor.id})`}
        order by created_time desc, id desc
        limit ${limit}`,
  )
}
