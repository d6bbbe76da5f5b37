import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../database/client.ts'
import type { By } from './history.ts'
import { noteMoved } from './history-store.ts'
import type { JobStatus } from './state.ts'
import { columns, type JobRow } from './store.ts'

// How a job goes from one state to the next: each step is one statement, which notes it in the job's history.

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
