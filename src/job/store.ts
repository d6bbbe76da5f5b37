import { empty, join, Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../database/client.ts'
import type { MethodCall } from '../method/call.ts'
import type { TwinPatch } from '../twin/limits.ts'
import type { JobType } from './request.ts'
import type { DeviceJobStatus, JobStatus } from './state.ts'
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
}

const columns = sql`
  id, type, status, query_condition as "queryCondition", request, created_time as "createdTime",
  start_time as "startTime", started_time as "startedTime",
  max_execution_time_seconds as "maxExecutionTimeSeconds", deadline`

/** One device's part of one job. */
export type DeviceJobKey = { readonly jobId: string; readonly deviceId: string }

/** How one device's part ended: it answered (`response`), or why not (`error`). A twin update has neither. */
export type Settlement = DeviceJobKey & {
  readonly response?: { readonly status: number; readonly payload: string }
  readonly error?: { readonly code: string; readonly description: string }
}

/** What a batch of facts did to a job: `open` device jobs are left. */
export type JobProgress = { readonly jobId: string; readonly open: number }

// Jobs

/** False when the id is taken. */
export async function insertJob(tx: Tx, job: Omit<JobRow, 'startedTime'>): Promise<boolean> {
  const rows = await tx.query(
    sql`insert into job (
          id, type, status, query_condition, request, created_time, start_time, max_execution_time_seconds, deadline
        )
        values (
          ${job.id}, ${job.type}, ${job.status}, ${job.queryCondition}, ${JSON.stringify(job.request)}::json,
          ${job.createdTime}, ${job.startTime}, ${job.maxExecutionTimeSeconds}, ${job.deadline}
        )
        on conflict do nothing
        returning id`,
  )
  return rows.length > 0
}

/** Locks the job for a change of its state or counters. */
export async function lockJob(tx: Tx, id: string): Promise<JobRow | undefined> {
  const [row] = await tx.query<JobRow>(sql`select ${columns} from job where id = ${id} for no key update`)
  return row
}

/** Jobs that are open and locked, with the keys by which their facts name them. */
export type OpenJobs = ReadonlyMap<string, string>

/**
 * Locks those of the jobs that have not ended, in the order of their ids. Facts are added only under this lock and in
 * a later statement: so each sees all facts committed before, and the counters stay their sum.
 */
export async function lockOpenJobs(tx: Tx, ids: Iterable<string>, status?: JobStatus): Promise<OpenJobs> {
  const rows = await tx.query<{ id: string; key: string }>(
    sql`select id, key from job
        where id = any(${[...new Set(ids)]}) and end_time is null
          and (${status ?? null}::text is null or status = ${status ?? null})
        order by id
        for no key update`,
    'lock-open-jobs',
  )
  return new Map(rows.map((row) => [row.id, row.key]))
}

/** Scheduled jobs whose time has come wait for a slot from now on. Answers their ids. */
export async function queueDueJobs(tx: Tx, now: Date): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    sql`update job set status = 'queued', version = version + 1
        where end_time is null and status = 'scheduled' and start_time <= ${now}
        returning id`,
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

/** The condition compiled to the halves of a tagged template, over `d` (device) and `t` (twin). */
export type CompiledCondition = { readonly strings: readonly string[]; readonly values: readonly unknown[] }

const fragment = ({ strings, values }: CompiledCondition): Sql => new Sql(strings, values)

/** Fixes the devices of a job: one statement, so one moment. Answers how many they are. */
export async function expandJob(tx: Tx, id: string, condition: CompiledCondition): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    sql`with target as (
          insert into device_job (job_key, device_id)
          select job.key, d.id
          from job cross join device d join twin t on t.device_id = d.id
          where job.id = ${id} and ${fragment(condition)}
          order by d.id
          returning 1
        )
        select count(*)::integer as count from target`,
  )
  return row?.count ?? 0
}

export async function saveStarted(
  tx: Tx,
  id: string,
  { status, deviceCount, now }: { status: JobStatus; deviceCount: number; now: Date },
): Promise<void> {
  await tx.query(
    sql`update job
        set status = ${status}, started_time = ${now}, end_time = ${status === 'completed' ? now : null},
            device_count = ${deviceCount}, pending_count = ${deviceCount}, version = version + 1
        where id = ${id}`,
  )
}

/** The job as a whole could not be carried out. */
export async function saveFailed(tx: Tx, id: string, reason: string, now: Date): Promise<void> {
  await tx.query(
    sql`update job
        set status = 'failed', failure_reason = ${reason}, end_time = ${now},
            failed_count = failed_count + pending_count + running_count, pending_count = 0, running_count = 0,
            version = version + 1
        where id = ${id}`,
  )
}

/** One row, however many devices wait: they are canceled by it. It ends when its calls under way have ended. */
export async function saveCancelled(tx: Tx, id: string, message: string | null, now: Date): Promise<void> {
  await tx.query(
    sql`update job
        set status = 'cancelled', status_message = ${message},
            canceled_count = canceled_count + pending_count, pending_count = 0,
            end_time = case when running_count = 0 then ${now}::timestamptz end, version = version + 1
        where id = ${id}`,
  )
}

/** Jobs with nothing open any more, and jobs whose time is up. What is still open then has failed. */
export async function finishJobs(tx: Tx, now: Date): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    sql`with finished as (
          select id from job
          where end_time is null
            and (status in ('running', 'cancelled') and pending_count = 0 and running_count = 0
                 or status <> 'scheduled' and deadline <= ${now})
          order by id
          for no key update
        )
        update job
        set status = case job.status when 'running' then 'completed' when 'queued' then 'failed' else job.status end,
            failure_reason = case job.status when 'queued'
              then 'The time for this job was up before one of the running jobs had made room for it.'
              else job.failure_reason end,
            failed_count = failed_count + pending_count + running_count, pending_count = 0, running_count = 0,
            end_time = ${now}, version = version + 1
        from finished
        where job.id = finished.id
        returning job.id`,
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

// Device jobs

const target = sql`target`

/** The key of a job, looked up once a statement. */
const keyOf = (jobId: string): Sql => sql`(select key from job where id = ${jobId})`

const isDispatched = (deviceJob: Sql): Sql => sql`exists (
  select from device_job_dispatch mark
  where mark.job_key = ${deviceJob}.job_key and mark.device_id = ${deviceJob}.device_id
)`

const hasOutcome = (deviceJob: Sql): Sql => sql`exists (
  select from device_job_outcome o where o.job_key = ${deviceJob}.job_key and o.device_id = ${deviceJob}.device_id
)`

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

/** A page of a job's devices in the order of their ids, whatever became of them. */
export async function findTargets(db: Reader, jobId: string, after: string, limit: number): Promise<string[]> {
  const rows = await db.query<{ deviceId: string }>(
    sql`select device_id as "deviceId" from device_job
        where job_key = ${keyOf(jobId)} and device_id > ${after}
        order by device_id
        limit ${limit}`,
    'find-targets',
  )
  return rows.map((row) => row.deviceId)
}

/** Up to `limit` of them after `after` that have no outcome: for twin updates, which no mark precedes. */
export async function findOpenTargets(db: Reader, jobId: string, after: string, limit: number): Promise<string[]> {
  const rows = await db.query<{ deviceId: string }>(
    sql`select device_id as "deviceId" from device_job target
        where job_key = ${keyOf(jobId)} and device_id > ${after} and not ${hasOutcome(target)}
        order by device_id
        limit ${limit}`,
    'find-open-targets',
  )
  return rows.map((row) => row.deviceId)
}

/** What waits for these devices in running method jobs. A lookup a device and job: no index of its own to pay for. */
export function findWaiting(db: Reader, deviceIds: readonly string[]): Promise<DeviceJobKey[]> {
  return db.query<DeviceJobKey>(
    sql`select job.id as "jobId", target.device_id as "deviceId"
        from job
        cross join unnest(${deviceIds}::text[]) as arrived (device_id)
        join device_job target on target.job_key = job.key and target.device_id = arrived.device_id
        where job.end_time is null and job.status = 'running' and job.type = 'scheduleDeviceMethod'
          and job.pending_count > 0
          and not ${isDispatched(target)} and not ${hasOutcome(target)}
        order by job.started_time, job.id`,
    'find-waiting',
  )
}

/** A call about to leave, and when it is lost. */
export type Dispatch = DeviceJobKey & { readonly deadline: Date }

/**
 * Writes that these calls may have been sent, before they are; answers those that now may be, at most once each for
 * ever. The jobs must be locked (`lockOpenJobs` with 'running'); calls of others are passed over.
 */
export async function markDispatched(
  tx: Tx,
  open: OpenJobs,
  dispatches: readonly Dispatch[],
  now: Date,
): Promise<DeviceJobKey[]> {
  const given = dispatches.filter(({ jobId }) => open.has(jobId))
  const marked = await tx.query<{ jobKey: string; deviceId: string }>(
    sql`with given as (
          select * from unnest(
            ${given.map(({ jobId }) => open.get(jobId))}::bigint[],
            ${given.map(({ deviceId }) => deviceId)}::text[],
            ${given.map(({ deadline }) => deadline.getTime())}::bigint[]
          ) as given (job_key, device_id, deadline)
        ), dispatched as (
          insert into device_job_dispatch (job_key, device_id, dispatched_time, deadline)
          select job_key, device_id, ${now}, to_timestamp(deadline / 1000.0)
          from given
          where not ${hasOutcome(sql`given`)}
          on conflict do nothing
          returning job_key, device_id
        ), change as (
          select job_key, count(*)::integer as count from dispatched group by job_key
        ), counted as (
          update job
          set pending_count = pending_count - change.count, running_count = running_count + change.count,
              version = version + 1
          from change
          where job.key = change.job_key
        )
        select job_key as "jobKey", device_id as "deviceId" from dispatched`,
    'mark-dispatched',
  )
  const ids = new Map([...open].map(([id, key]) => [key, id]))
  return marked.flatMap(({ jobKey, deviceId }) => {
    const jobId = ids.get(jobKey)
    return jobId === undefined ? [] : { jobId, deviceId }
  })
}

/**
 * Takes marks back whose calls have certainly not left (the device had gone in between), so that the devices wait
 * again. Only the process that wrote a mark can know this. The jobs must be locked.
 */
export async function unmarkDispatched(tx: Tx, open: OpenJobs, keys: readonly DeviceJobKey[]): Promise<void> {
  const given = keys.filter(({ jobId }) => open.has(jobId))
  await tx.query(
    sql`with undone as (
          delete from device_job_dispatch x
          using unnest(
            ${given.map(({ jobId }) => open.get(jobId))}::bigint[],
            ${given.map(({ deviceId }) => deviceId)}::text[]
          ) as given (job_key, device_id)
          where x.job_key = given.job_key and x.device_id = given.device_id and not ${hasOutcome(sql`given`)}
          returning x.job_key
        ), change as (
          select job_key, count(*)::integer as count from undone group by job_key
        )
        update job
        set running_count = running_count - change.count,
            pending_count = pending_count + case job.status when 'cancelled' then 0 else change.count end,
            canceled_count = canceled_count + case job.status when 'cancelled' then change.count else 0 end,
            version = version + 1
        from change
        where job.key = change.job_key`,
  )
}

/** Which counter a device job leaves when it ends: its call was under way, or it was still waiting. */
type SettledFrom = 'running' | 'pending'

/**
 * Writes outcomes; the first of a device job is the only one. From 'running' the caller vouches that the call was
 * dispatched (its request id proves it); from 'pending' devices whose call was are passed over. The jobs must be locked
 * (`lockOpenJobs`, for 'pending' with 'running': in a cancelled job nobody waits); what concerns others is passed over too: it comes too late, and their end stands.
 */
export function settle(
  tx: Tx,
  open: OpenJobs,
  settlements: readonly Settlement[],
  from: SettledFrom,
  now: Date,
): Promise<JobProgress[]> {
  const given = settlements.filter(({ jobId }) => open.has(jobId))
  const left = from === 'running' ? sql`running_count = running_count` : sql`pending_count = pending_count`
  return tx.query<JobProgress>(
    sql`with given as (
          select * from unnest(
            ${given.map(({ jobId }) => open.get(jobId))}::bigint[],
            ${given.map(({ deviceId }) => deviceId)}::text[],
            ${given.map(({ response }) => response?.status ?? null)}::integer[],
            ${given.map(({ response }) => response?.payload ?? null)}::text[],
            ${given.map(({ error }) => error?.code ?? null)}::text[],
            ${given.map(({ error }) => error?.description ?? null)}::text[]
          ) as given (job_key, device_id, response_status, response_payload, error_code, error_description)
        ), settled as (
          insert into device_job_outcome (
            job_key, device_id, ended_time, response_status, response_payload, error_code, error_description
          )
          select job_key, device_id, ${now}, response_status, response_payload, error_code, error_description
          from given
          ${from === 'running' ? empty : sql`where not ${isDispatched(sql`given`)}`}
          on conflict do nothing
          returning job_key, error_code
        ), change as (
          select job_key, count(*)::integer as count, count(error_code)::integer as failed
          from settled
          group by job_key
        )
        update job
        set ${left} - change.count,
            succeeded_count = succeeded_count + change.count - change.failed,
            failed_count = failed_count + change.failed,
            version = version + 1
        from change
        where job.key = change.job_key
        returning job.id as "jobId", pending_count + running_count as open`,
    `settle-${from}`,
  )
}

/** How many calls of jobs are under way, through whichever process. */
export async function countUnderWay(db: Reader): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    sql`select coalesce(sum(running_count), 0)::integer as count from job where end_time is null`,
    'count-under-way',
  )
  return row?.count ?? 0
}

/** Up to `limit` calls, sent by whichever process, that got no answer until their deadline. It reads all marks of open jobs. */
export function findExpired(db: Reader, now: Date, limit: number): Promise<DeviceJobKey[]> {
  return db.query<DeviceJobKey>(
    sql`select job.id as "jobId", x.device_id as "deviceId"
        from job join device_job_dispatch x on x.job_key = job.key
        where job.end_time is null and job.running_count > 0 and x.deadline <= ${now} and not ${hasOutcome(sql`x`)}
        limit ${limit}`,
    'find-expired',
  )
}

/** A page of the devices of a job that still wait, in the order of their ids. */
export async function findPending(db: Reader, jobId: string, after: string, limit: number): Promise<string[]> {
  const rows = await db.query<{ deviceId: string }>(
    sql`select target.device_id as "deviceId" from device_job target
        where target.job_key = ${keyOf(jobId)} and target.device_id > ${after}
          and not ${isDispatched(target)} and not ${hasOutcome(target)}
        order by target.device_id
        limit ${limit}`,
    'find-pending',
  )
  return rows.map((row) => row.deviceId)
}

/** The key under which request ids are made, in hexadecimal, the same for all instances on this database. */
export async function readRequestKey(db: Reader): Promise<string> {
  const [row] = await db.query<{ requestKey: string }>(sql`select encode(request_key, 'hex') as "requestKey" from hub`)
  if (row === undefined) throw new Error('The table hub has lost its row.')
  return row.requestKey
}

// History

/** Deletes up to `limit` jobs that ended before `time`, with all their facts. */
export async function deleteJobsEndedBefore(tx: Tx, time: Date, limit: number): Promise<string[]> {
  const jobs = await tx.query<{ id: string; key: string }>(
    sql`select id, key from job where end_time < ${time} order by end_time limit ${limit} for update skip locked`,
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

/** A device job as it is read: its facts and what follows from them. */
export type DeviceJobView = DeviceJobKey & {
  readonly status: DeviceJobStatus
  readonly dispatchedTime: Date | null
  readonly endedTime: Date | null
  readonly responseStatus: number | null
  readonly responsePayload: string | null
  readonly errorCode: string | null
  readonly errorDescription: string | null
}

/** The rule of `deriveDeviceJobStatus` (job/state.ts) once more, in SQL; a test holds the two together. */
const status = sql`case
    when o.job_key is not null then case when o.error_code is null then 'completed' else 'failed' end
    when job.status = 'cancelled' and x.job_key is null then 'canceled'
    when job.end_time is not null then 'failed'
    when x.job_key is null then 'pending'
    else 'running'
  end`

/** What a device job failed of when it has no outcome of its own: its job ended before. */
const TIME_UP = 'JobRunPreconditionFailed'

/** What is read of a device job, from its row `target`, its job's row `job` and its facts `x` and `o`. */
const view = sql`
  job.id as "jobId", target.device_id as "deviceId", ${status} as status, x.dispatched_time as "dispatchedTime",
  case when ${status} in ('completed', 'failed', 'canceled') then coalesce(o.ended_time, job.end_time) end
    as "endedTime",
  o.response_status as "responseStatus", o.response_payload as "responsePayload",
  case when ${status} = 'failed' then coalesce(o.error_code, ${TIME_UP}) end as "errorCode",
  case when ${status} = 'failed' then coalesce(
    o.error_description,
    job.failure_reason,
    case when x.job_key is null
      then 'The device did not connect before the time of the job was up.'
      else 'The time of the job was up before the device answered.' end
  ) end as "errorDescription"`

/** `beyond` narrows them like their `target`, so that the way to a later page does not lead through all before it. */
const facts = (beyond: (row: Sql) => Sql = () => empty): Sql => sql`
  left join device_job_dispatch x
    on x.job_key = target.job_key and x.device_id = target.device_id ${beyond(sql`x`)}
  left join device_job_outcome o
    on o.job_key = target.job_key and o.device_id = target.device_id ${beyond(sql`o`)}`

/** A page asks for the rows after (`forward`) or before `cursor`, nearest first. */
export type Page<Cursor> = { readonly cursor: Cursor | undefined; readonly forward: boolean; readonly limit: number }

/** The device jobs of a job, or of each of several, by device id: the same page of each, of at most `limit` rows. */
export function findDeviceJobs(
  db: Reader,
  jobIds: string | readonly string[],
  { statuses }: { readonly statuses?: readonly DeviceJobStatus[] | undefined },
  { cursor, forward, limit }: Page<string>,
): Promise<DeviceJobView[]> {
  const beyond = (row: Sql): Sql =>
    cursor === undefined ? empty : sql`and ${row}.device_id ${forward ? sql`>` : sql`<`} ${cursor}`
  const direction = forward ? empty : sql`desc`
  const filter = statuses === undefined ? empty : sql`and ${status} = any(${statuses})`
  // The facts of the page alone are looked up, unless a filter has to see them before it is known what the page is.
  return db.query<DeviceJobView>(
    sql`select ${view}
        from job
        cross join lateral (
          select target.*
          from device_job target ${statuses === undefined ? empty : facts(beyond)}
          where target.job_key = job.key ${beyond(target)} ${filter}
          order by target.device_id ${direction}
          limit ${limit}
        ) target ${facts()}
        where job.id = any(${[jobIds].flat()})
        order by target.device_id ${direction}`,
  )
}

/** A device job and when its job was scheduled: with the job's id, its place among those of its device. */
export type DeviceJobInTime = DeviceJobView & { readonly jobCreatedTime: Date }

/**
 * The device jobs of each of these devices, the job that was scheduled last first: of each at most `limit`, those
 * beyond `cursor`. Goes through the jobs and looks the device up in each: no index of its own for the facts to pay for.
 */
export function findDeviceJobsByDevice(
  db: Reader,
  deviceIds: readonly string[],
  { cursor, limit }: Omit<Page<{ readonly id: string; readonly createdTime: Date }>, 'forward'>,
): Promise<DeviceJobInTime[]> {
  const beyond = cursor && sql`where (job.created_time, job.id) < (${cursor.createdTime}, ${cursor.id})`
  return db.query<DeviceJobInTime>(
    sql`select page.*
        from unnest(${deviceIds}::text[]) as device (id)
        cross join lateral (
          select ${view}, job.created_time as "jobCreatedTime"
          from job join device_job target on target.job_key = job.key and target.device_id = device.id ${facts()}
          ${beyond ?? empty}
          order by job.created_time desc, job.id desc
          limit ${limit}
        ) page
        order by page."jobCreatedTime" desc, page."jobId" desc`,
  )
}

/** How many device jobs these devices have; those that have none are left out. */
export function countDeviceJobsByDevice(
  db: Reader,
  deviceIds: readonly string[],
): Promise<{ readonly deviceId: string; readonly count: number }[]> {
  return db.query<{ deviceId: string; count: number }>(
    sql`select device.id as "deviceId", count(*)::integer as count
        from unnest(${deviceIds}::text[]) as device (id)
        cross join job
        join device_job target on target.job_key = job.key and target.device_id = device.id
        group by device.id`,
  )
}

/** These device jobs, in no particular order; those that do not exist are left out. */
export function findDeviceJobsByKey(db: Reader, keys: readonly DeviceJobKey[]): Promise<DeviceJobView[]> {
  if (keys.length === 0) return Promise.resolve([])
  const pairs = keys.map((key) => sql`(${key.jobId}, ${key.deviceId})`)
  return db.query<DeviceJobView>(
    sql`select ${view}
        from (values ${join(pairs)}) as given (job_id, device_id)
        join job on job.id = given.job_id
        join device_job target on target.job_key = job.key and target.device_id = given.device_id ${facts()}`,
  )
}

// Statements: SELECT … FROM devices.jobs

/** A device job with what `devices.jobs` tells of its job. `updatedTime`: when the last of its facts was written. */
export type DeviceJobRow = DeviceJobView & {
  readonly jobKey: string
  readonly jobType: JobType
  readonly startTime: Date
  readonly deadline: Date
  readonly createdTime: Date
  readonly updatedTime: Date
}

/**
 * The facts of `target`, looked up row by row. The planner guesses that a condition on the status meets next to nothing;
 * left the choice (`facts`), it would read all facts of a job for every page.
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
 * A page of the device jobs that meet both conditions: those of the newest job first, of a job by device id. `ofJob`
 * speaks of the row `job` only and narrows the jobs, one after the other, before their devices are looked at; `ofDeviceJob`
 * speaks of `job` and of `v`, what is read of a device job.
 */
export function findDeviceJobRows(
  db: Reader,
  { ofJob, ofDeviceJob }: { readonly ofJob: CompiledCondition; readonly ofDeviceJob: CompiledCondition },
  { cursor, limit }: Pick<Page<DeviceJobPlace>, 'cursor' | 'limit'>,
): Promise<DeviceJobRow[]> {
  const jobs =
    cursor === undefined
      ? sql`select job.*, '' as after from job where ${fragment(ofJob)}`
      : sql`select job.*, case when job.key = ${cursor.jobKey}::bigint then ${cursor.deviceId} else '' end as after
            from job
            where job.key <= ${cursor.jobKey}::bigint and ${fragment(ofJob)}`
  return db.query<DeviceJobRow>(
    sql`select page.*
        from (${jobs}) job
        cross join lateral (
          select v.*
          from (
            select ${view}, job.key as "jobKey", job.type as "jobType", job.start_time as "startTime", job.deadline,
                   job.started_time as "createdTime",
                   coalesce(
                     case when ${status} in ('completed', 'failed', 'canceled')
                       then coalesce(o.ended_time, job.end_time) end,
                     x.dispatched_time,
                     job.started_time
                   ) as "updatedTime"
            from device_job target ${factsOneByOne}
            where target.job_key = job.key and target.device_id > job.after
          ) v
          where ${fragment(ofDeviceJob)}
          order by v."deviceId"
          limit ${limit}
        ) page
        order by job.key desc, page."deviceId"
        limit ${limit}`,
  )
}
