import { empty, sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../../database/reader.ts'
import type { By } from '../history.ts'
import { storedRamp } from '../ramp.ts'
import type { JobStatus } from '../state.ts'
import type { ChangedMember } from '../update.ts'
import { isAsleep, isAwaiting } from './awaited-jobs.ts'
import { noteMoved } from './history.ts'
import { columns, type JobRow } from './jobs.ts'
import { movedColumns, queueMoved } from './webhook-outbox.ts'

// The transitions of a job. Each is one statement, which also writes the job's history. Those that webhooks can get
// also write the outbox.

/** Scheduled jobs whose start time has come are queued from now on. Returns their ids. */
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

/**
 * A job that waits for its start or, with `isEarly`, for the selection of its devices before that. `actor` identifies the
 * client that scheduled it; null for a job from before actors were recorded.
 */
export type QueuedJob = {
  readonly id: string
  readonly key: string
  readonly actor: string | null
  readonly isEarly: boolean
  /** A device that it had in common with the job that it waited for. Null for a job that has not waited. */
  readonly commonDevice: string | null
}

/** The jobs that can start. `isDue`: a scheduled job's start time has come; otherwise `next` is the next start time. */
export type Startable = { readonly isDue: boolean; readonly next: Date | null; readonly queued: readonly QueuedJob[] }

/** Locks of jobs whose devices are being selected, on whichever instance; they end with the transaction. */
const selecting = 7_468_114
/** The same for jobs that do not start then, so that they take no slot. */
const selectingEarly = 7_468_115

const selections = sql`
  from pg_locks
  where locktype = 'advisory' and granted and classid = ${selecting}::integer::oid and objsubid = 2
    and database = (select oid from pg_database where datname = current_database())`

/** Whether the devices of `job` still have to be selected before it starts. An index has these jobs. */
const isUnselected = sql`(
  job.targets = 'atCreation' and job.selected_time is null and job.end_time is null
)`

/** A paused job keeps its slot, so that it can go on at once. */
const running = sql`(
  select count(*) from job where end_time is null and status in ('running', 'paused') and started_time is not null
)`

/**
 * The jobs that can start now. Of the waiting jobs except `passedOver`, the first of each actor, at most `most` each, in
 * the order in which they wait. First those whose devices are selected before their start; the others only while the running
 * and starting jobs leave room.
 */
export async function findStartable(
  db: Reader,
  now: Date,
  {
    maxRunning,
    most,
    passedOver,
  }: { readonly maxRunning: number; readonly most: number; readonly passedOver: readonly string[] },
): Promise<Startable> {
  const [row] = await db.query<Startable>(
    sql`select exists (
                 select from job where end_time is null and status = 'scheduled' and start_time <= ${now}
               ) as "isDue",
               (select min(start_time) from job where end_time is null and status = 'scheduled') as next,
               coalesce((
                 select json_agg(json_build_object('id', id, 'key', key::text, 'actor', actor, 'isEarly', is_early,
                                                   'commonDevice', common_device)
                                 order by is_early desc, start_time, created_time, id)
                 from (
                   select job.*, actor, row_number() over (
                            partition by actor order by is_early desc, start_time, created_time, id
                          ) as place
                   from (
                     select id, key, start_time, created_time, false as is_early, common_device from job
                     where (select ${running} + (select count(*) ${selections}) < ${maxRunning})
                       and end_time is null and status = 'queued' and ${isUnselected} is not true
                       and not ${isAsleep}
                     union all
                     select id, key, start_time, created_time, true, null from job where ${isUnselected}
                   ) job left join (
                     select job_key, coalesce(actor_id, actor) as actor from job_event where type = 'scheduled'
                   ) scheduled on job_key = job.key
                   where id <> all(${passedOver}::text[])
                 ) waiting
                 where place <= ${most}
               ), '[]') as queued`,
    'find-startable',
  )
  return row ?? { isDue: false, next: null, queued: [] }
}

/**
 * The job, if it is queued and need not wait, and no other transaction selects its devices: until this transaction ends, no other will.
 * Its row is not locked, so that it can be cancelled meanwhile.
 */
export async function lockSelection(tx: Tx, { id, key }: QueuedJob, maxRunning: number): Promise<JobRow | undefined> {
  const [row] = await tx.query<{ locked: boolean }>(
    sql`select pg_try_advisory_xact_lock(${selecting}::integer, (${key}::bigint & 2147483647)::integer) as locked`,
  )
  if (row?.locked !== true) return undefined
  // In a statement of its own, which sees the changes of the previous holder of the lock. When several were admitted at
  // once because there was room for one, the job that has waited longest continues.
  const [job] = await tx.query<JobRow>(
    sql`select ${columns} from job
        where id = ${id} and status = 'queued' and not ${isAsleep}
          and ${running} + (
            select count(*) from job before
            where end_time is null and status = 'queued'
              and (start_time, created_time, id) < (job.start_time, job.created_time, job.id)
              and (key & 2147483647)::oid in (select objid ${selections})
          ) < ${maxRunning}`,
  )
  return job
}

/**
 * The job, if its devices have to be selected before its start and no other transaction selects them, in the same way as
 * `lockSelection`.
 */
export async function lockEarlySelection(tx: Tx, { id, key }: QueuedJob): Promise<JobRow | undefined> {
  const [row] = await tx.query<{ locked: boolean }>(
    sql`select pg_try_advisory_xact_lock(${selectingEarly}::integer, (${key}::bigint & 2147483647)::integer) as locked`,
  )
  if (row?.locked !== true) return undefined
  const [job] = await tx.query<JobRow>(sql`select ${columns} from job where id = ${id} and ${isUnselected}`)
  return job
}

/**
 * The number of its devices so far, if the devices of the job still have to be selected. Until the transaction ends, it cannot be
 * cancelled.
 */
export async function lockUnselected(tx: Tx, id: string): Promise<{ readonly deviceCount: number } | undefined> {
  const [row] = await tx.query<{ deviceCount: number }>(
    sql`select device_count as "deviceCount" from job where id = ${id} and ${isUnselected} for no key update`,
  )
  return row
}

/** The device list is complete. The job waits for its start, as before. */
export async function saveSelected(
  tx: Tx,
  id: string,
  { deviceCount, now }: { readonly deviceCount: number; readonly now: Date },
): Promise<void> {
  await tx.query(
    sql`with moved as (
          update job
          set selected_time = ${now}, device_count = ${deviceCount}, pending_count = ${deviceCount}, version = version + 1
          where id = ${id}
          returning key, version, status
        )
        ${noteMoved({ type: 'devicesSelected', cause: 'hub', time: now, deviceCount })}`,
  )
}

/**
 * The number of devices that were selected before, if the job may start: it still waits, and fewer than `maxRunning` jobs run. Until the transaction ends, no other
 * instance can start a job, so that the bound holds for all of them, and the job cannot be cancelled.
 */
export async function lockStarting(
  tx: Tx,
  id: string,
  maxRunning: number,
): Promise<{ readonly deviceCount: number } | undefined> {
  await tx.query(sql`select pg_advisory_xact_lock(hashtext('twincast start jobs'))`)
  const [row] = await tx.query<{ deviceCount: number }>(
    sql`select device_count as "deviceCount" from job
        where id = ${id} and end_time is null and status = 'queued'
          and ${running} < ${maxRunning}
        for no key update`,
  )
  return row
}

/**
 * The job waits for another one, which has this key. Only the first wait is in its history, because it may wait for one job after
 * another.
 */
export async function saveWaiting(
  tx: Tx,
  id: string,
  {
    awaitedKey,
    commonDevice,
    reason,
    now,
  }: { readonly awaitedKey: string; readonly commonDevice: string; readonly reason: string; readonly now: Date },
): Promise<void> {
  await tx.query(
    sql`with before as (
          select key, waits_for from job where id = ${id}
        ), waiting as (
          update job
          set waits_for = ${awaitedKey}::bigint, common_device = ${commonDevice}, looked_time = clock_timestamp(), version = version + 1
          where id = ${id}
          returning key, version, status
        ), moved as (
          select waiting.* from waiting join before on before.key = waiting.key where before.waits_for is null
        )
        ${noteMoved({ type: 'waiting', cause: 'hub', time: now, reason })}`,
  )
}

/** The device list is complete, so far for a continuous job; another job without devices completes at once. `isSelected`: it was complete before. */
export async function saveStarted(
  tx: Tx,
  id: string,
  {
    status,
    deviceCount,
    isSelected = false,
    now,
  }: { status: JobStatus; deviceCount: number; isSelected?: boolean; now: Date },
): Promise<void> {
  const ended = status === 'completed'
  const counted = isSelected ? empty : sql`, device_count = ${deviceCount}, pending_count = ${deviceCount}`
  await tx.query(
    sql`with moved as (
          update job
          set status = ${status}, started_time = ${now}, end_time = ${ended ? now : null}${counted}, waits_for = null,
              common_device = null, version = version + 1
          where id = ${id}
          returning key, version, status, ${movedColumns}
        ), queued as (
          ${queueMoved({ isStart: true, time: now })}
        )
        ${noteMoved({ type: ended ? 'completed' : 'started', cause: ended ? 'devices' : 'schedule', time: now })}`,
  )
}

/** The job as a whole failed. `matchedCount`: the devices that met its condition, if there were too many. */
export async function saveFailed(
  tx: Tx,
  id: string,
  { reason, matchedCount = null, now }: { reason: string; matchedCount?: number | null; now: Date },
): Promise<void> {
  await tx.query(
    sql`with moved as (
          update job
          set status = 'failed', failure_reason = ${reason}, matched_count = ${matchedCount}, end_time = ${now},
              failed_count = failed_count + pending_count + running_count, pending_count = 0, running_count = 0,
              version = version + 1
          where id = ${id}
          returning key, version, status, ${movedColumns}
        ), queued as (
          ${queueMoved({ time: now })}
        )
        ${noteMoved({ type: 'failed', cause: 'hub', time: now, reason })}`,
  )
}

/**
 * One row, however many devices wait: it makes their device jobs cancelled. The job ends when its calls under way have
 * ended.
 */
export async function saveCancelled(tx: Tx, id: string, by: By, reason: string | null, now: Date): Promise<void> {
  await tx.query(
    sql`with moved as (
          update job
          set status = 'cancelled', status_message = ${reason},
              canceled_count = canceled_count + pending_count, pending_count = 0,
              end_time = case when running_count = 0 then ${now}::timestamptz end, version = version + 1
          where id = ${id}
          returning key, version, status, ${movedColumns}
        ), queued as (
          ${queueMoved({ time: now })}
        )
        ${noteMoved({ type: 'cancelled', cause: 'user', time: now, by, reason })}`,
  )
}

/** The job waits for its start time from now on. */
export async function saveApproved(
  tx: Tx,
  id: string,
  status: JobStatus,
  by: By,
  reason: string | null,
  now: Date,
): Promise<void> {
  await tx.query(
    sql`with moved as (
          update job set status = ${status}, version = version + 1
          where id = ${id}
          returning key, version, status
        )
        ${noteMoved({ type: 'approved', cause: 'user', time: now, by, reason })}`,
  )
}

/** The job ends. Devices that it selected at its creation are cancelled. */
export async function saveRejected(
  tx: Tx,
  id: string,
  status: JobStatus,
  by: By,
  reason: string | null,
  now: Date,
): Promise<void> {
  await tx.query(
    sql`with moved as (
          update job
          set status = ${status}, status_message = ${reason}, canceled_count = canceled_count + pending_count,
              pending_count = 0, end_time = ${now}, version = version + 1
          where id = ${id}
          returning key, version, status, ${movedColumns}
        ), queued as (
          ${queueMoved({ time: now })}
        )
        ${noteMoved({ type: 'rejected', cause: 'user', time: now, by, reason })}`,
  )
}

/** Returns the number of calls under way: no others are sent until the job is resumed. */
export async function savePaused(tx: Tx, id: string, by: By, reason: string | null, now: Date): Promise<number> {
  const [row] = await tx.query<{ runningCount: number }>(
    sql`with moved as (
          update job set status = 'paused', version = version + 1
          where id = ${id}
          returning key, version, status, running_count
        ), noted as (
          ${noteMoved({ type: 'paused', cause: 'user', time: now, by, reason })}
        )
        select running_count as "runningCount" from moved`,
  )
  return row?.runningCount ?? 0
}

/** The job goes on in this status. Its abort rules count from now on, so that what it was paused for does not pause it again. */
export async function saveResumed(
  tx: Tx,
  id: string,
  status: JobStatus,
  by: By,
  reason: string | null,
  now: Date,
): Promise<void> {
  await tx.query(
    sql`with moved as (
          update job
          set status = ${status}, version = version + 1, resumed_version = version + 1, crossed_rule = null,
              looked_time = null,
              judged_from = case when rollout ? 'abort' then jsonb_build_object(
                'ended', succeeded_count + failed_count, 'failed', failed_count, 'refused', refused_count,
                'counts', coalesce(rule_counts, '{}')
              ) end
          where id = ${id}
          returning key, version, status
        )
        ${noteMoved({ type: 'resumed', cause: 'user', time: now, by, reason })}`,
  )
}

/** The job as a client has changed it. Its status stays. */
export async function saveUpdated(
  tx: Tx,
  job: JobRow,
  changed: readonly ChangedMember[],
  by: By,
  reason: string | null,
  now: Date,
): Promise<void> {
  const ramp = storedRamp(job)
  await tx.query(
    sql`with moved as (
          update job
          set name = ${job.name}, description = ${job.description},
              labels = ${job.labels === null ? null : JSON.stringify(job.labels)}::jsonb,
              max_execution_time_seconds = ${job.maxExecutionTimeSeconds}, deadline = ${job.deadline},
              max_per_minute = ${job.maxPerMinute}, ramp = ${ramp === null ? null : JSON.stringify(ramp)}::jsonb,
              max_concurrent = ${job.maxConcurrent},
              budget_group_by = ${job.budgetGroupBy}, budget_max_concurrent = ${job.budgetMaxConcurrent}, version = version + 1,
              resumed_version = case when ${changed.includes('rollout')} then version + 1 else resumed_version end
          where id = ${job.id}
          returning key, version, status
        )
        ${noteMoved({ type: 'updated', cause: 'user', time: now, by, reason, changed })}`,
  )
}

/**
 * Jobs that end in one statement. The end of one with a retry policy writes up to 5,000 outcomes (`end_attempts`), so that of many
 * at once would take longer than a statement may, again and again.
 */
export const mostFinished = 10

/** Whether `job` has to end: it has no open device job, or is past its deadline. */
const isFinishable = (now: Date) => sql`(
  end_time is null
  and (status in ('running', 'paused', 'cancelled') and started_time is not null
       and pending_count = 0 and running_count = 0
       and (status = 'cancelled' or targets is distinct from 'continuous')
       or status <> 'scheduled' and deadline <= ${now})
)`

/** Up to 100 jobs that have to end. */
export async function findFinishable(db: Reader, now: Date): Promise<string[]> {
  const rows = await db.query<{ id: string }>(sql`select id from job where ${isFinishable(now)} order by id limit 100`)
  return rows.map((row) => row.id)
}

/**
 * Ends jobs without open device jobs, and jobs past their deadline, whose open device jobs fail; at most `mostFinished`, or only the
 * given one. Returns their ids.
 */
export async function finishJobs(tx: Tx, now: Date, jobId?: string): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    sql`with finished as (
          select id, pending_count + running_count as open from job
          where ${isFinishable(now)} ${jobId === undefined ? empty : sql`and id = ${jobId}`}
          order by id
          limit ${mostFinished}
          for no key update
        ), moved as (
          update job
          set status = case when job.status = 'cancelled' then 'cancelled'
                            when job.started_time is null then 'failed'
                            else 'completed' end,
              failure_reason = case when job.started_time is not null then job.failure_reason
                when job.status = 'queued' and ${isAwaiting}
                then 'The deadline of the job passed while it waited for other jobs on some of its devices.'
                when job.status = 'queued'
                then 'The deadline of the job passed before a slot for running jobs became free.'
                when job.status = 'waitingForApproval'
                then 'The deadline of the job passed before it was approved.'
                when job.status = 'paused' then 'The deadline of the job passed while it was paused, before it started.'
                else job.failure_reason end,
              failed_count = failed_count + pending_count + running_count, pending_count = 0, running_count = 0,
              end_time = ${now}, version = version + 1
          from finished
          where job.id = finished.id
          returning job.id, job.key, job.version, job.status, job.targets, job.failure_reason, finished.open, ${movedColumns}
        ), queued as (
          ${queueMoved({ time: now })}
        ), noted as (
          ${noteMoved({
            type: sql`case status when 'cancelled' then 'ended' else status end`,
            cause: sql`case when status = 'failed' or open > 0 or status = 'completed' and targets = 'continuous'
                              then 'deadline' else 'devices' end`,
            time: now,
            reason: sql`failure_reason`,
          })}
        )
        select id from moved`,
    jobId === undefined ? 'finish-jobs' : 'finish-job',
  )
  return rows.map((row) => row.id)
}

/** The next deadline of a job. */
export async function nextDeadline(db: Reader): Promise<Date | undefined> {
  const [row] = await db.query<{ deadline: Date | null }>(
    sql`select min(deadline) as deadline from job where end_time is null and status <> 'scheduled'`,
    'next-deadline',
  )
  return row?.deadline ?? undefined
}
