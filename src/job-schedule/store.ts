import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader, Tx } from '../database/reader.ts'
import {
  type RunOutcome,
  type ScheduleAuthor,
  type ScheduleDefinition,
  type ScheduleStatus,
  scheduleIn,
} from './schedule.ts'

/** A schedule as it is stored. */
export type ScheduleRow = ScheduleDefinition & {
  readonly status: ScheduleStatus
  /** Why the hub has paused it. Null when a client did. */
  readonly statusReason: string | null
  /** Null unless it is active. */
  readonly nextTime: Date | null
  readonly author: ScheduleAuthor
  /** The parts of the scope that its jobs get; null for every device. */
  readonly scope: readonly string[] | null
  readonly createdTime: Date
  /** The counter behind its etag. */
  readonly etagVersion: number
}

const columns = sql`
  id, template_id as "templateId", cron, time_zone as "timeZone", end_time as "endTime", on_missed as "onMissed",
  on_overlap as "onOverlap", description, status, status_reason as "statusReason", next_time as "nextTime", author,
  scope, created_time as "createdTime", etag_version as "etagVersion"`

/** The schedules after an id, by id. */
export function findJobSchedules(
  db: Reader,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<ScheduleRow[]> {
  return db.query<ScheduleRow>(
    sql`select ${columns} from job_schedule where ${after ?? ''} < id order by id limit ${limit}`,
    'find-job-schedules',
  )
}

/** The schedule with this id. */
export async function findJobSchedule(db: Reader, id: string): Promise<ScheduleRow | undefined> {
  const [row] = await db.query<ScheduleRow>(sql`select ${columns} from job_schedule where id = ${id}`)
  return row
}

/** The same, locked for a change. */
export async function lockSchedule(tx: Tx, id: string): Promise<ScheduleRow | undefined> {
  const [row] = await tx.query<ScheduleRow>(sql`select ${columns} from job_schedule where id = ${id} for no key update`)
  return row
}

/** The number of schedules. */
export async function countJobSchedules(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ count: number }>(sql`select count(*)::integer as count from job_schedule`)
  return row?.count ?? 0
}

/** False when the id is taken. */
export async function insertSchedule(tx: Tx, schedule: ScheduleRow): Promise<boolean> {
  const { id, templateId, cron, timeZone, endTime, onMissed, onOverlap, description, status, nextTime } = schedule
  const rows = await tx.query(
    sql`insert into job_schedule (
          id, template_id, cron, time_zone, end_time, on_missed, on_overlap, description, status, next_time, author,
          scope, created_time, etag_version
        )
        values (
          ${id}, ${templateId}, ${cron}, ${timeZone}, ${endTime}, ${onMissed}, ${onOverlap}, ${description}, ${status},
          ${nextTime}, ${JSON.stringify(schedule.author)}::jsonb, ${schedule.scope}::text[], ${schedule.createdTime},
          ${schedule.etagVersion}
        )
        on conflict do nothing
        returning id`,
  )
  return rows.length > 0
}

/** Saves a locked schedule. Its scope and the time of its creation cannot change. */
export async function saveSchedule(tx: Tx, schedule: ScheduleRow): Promise<void> {
  const { id, templateId, cron, timeZone, endTime, onMissed, onOverlap, description, status, nextTime } = schedule
  await tx.query(
    sql`update job_schedule
        set template_id = ${templateId}, cron = ${cron}, time_zone = ${timeZone}, end_time = ${endTime},
            on_missed = ${onMissed}, on_overlap = ${onOverlap}, description = ${description}, status = ${status},
            status_reason = ${schedule.statusReason}, next_time = ${nextTime},
            author = ${JSON.stringify(schedule.author)}::jsonb, etag_version = ${schedule.etagVersion}
        where id = ${id}`,
  )
}

/** Deletes the schedule with its runs. */
export async function removeSchedule(tx: Tx, id: string): Promise<void> {
  await tx.query(sql`delete from job_schedule where id = ${id}`)
}

/** A schedule and its planned time. */
export type NextSchedule = { readonly id: string; readonly nextTime: Date }

/** The schedule whose planned time is the next; `after` another one, the next behind it. */
export async function findNextSchedule(db: Reader, after?: NextSchedule): Promise<NextSchedule | undefined> {
  const [row] = await db.query<NextSchedule>(
    sql`select id, next_time as "nextTime" from job_schedule
        where next_time is not null
          and (next_time, id) > (coalesce(${after?.nextTime ?? null}::timestamptz, '-infinity'), ${after?.id ?? ''})
        order by next_time, id
        limit 1`,
    'find-next-job-schedule',
  )
  return row
}

/** Whether a job of the schedule has not ended. */
export async function hasOpenJob(tx: Tx, scheduleId: string): Promise<boolean> {
  const rows = await tx.query(
    sql`select from job_schedule_run run join job on job.id = run.job_id
        where run.schedule_id = ${scheduleId} and job.end_time is null
        limit 1`,
  )
  return rows.length > 0
}

/** A run: what the schedule did at a planned time. */
export type ScheduleRun = {
  readonly time: Date
  readonly outcome: RunOutcome
  readonly jobId: string | null
  readonly reason: string | null
}

/** Runs of a schedule that are kept. */
const keptRuns = 100

/**
 * Adds a run, unless there is one of this time, and deletes those that are too old. A schedule that skips times while its job has not ended finds this job by
 * its run, so that run is kept.
 */
export async function insertRun(
  tx: Tx,
  scheduleId: string,
  { time, outcome, jobId, reason }: ScheduleRun,
): Promise<void> {
  await tx.query(
    sql`with added as (
          insert into job_schedule_run (schedule_id, time, outcome, job_id, reason)
          values (${scheduleId}, ${time}, ${outcome}, ${jobId}, ${reason})
          on conflict (schedule_id, time) do nothing
        )
        delete from job_schedule_run
        where schedule_id = ${scheduleId} and time <= (
          select time from job_schedule_run where schedule_id = ${scheduleId}
          order by time desc offset ${keptRuns - 1} limit 1
        ) and not exists (
          select from job join job_schedule schedule on schedule.id = schedule_id and schedule.on_overlap = 'skip'
          where job.id = job_id and job.end_time is null
        )`,
  )
}

/** The schedules that have scheduled these jobs, by their runs, of which the newest are kept. Other jobs cost no statement. */
export async function findSchedulesOfJobs(
  db: Reader,
  jobIds: readonly string[],
): Promise<(ScheduleRow & { readonly jobId: string })[]> {
  const given = jobIds.flatMap((jobId) => {
    const scheduleId = scheduleIn(jobId)
    return scheduleId === undefined ? [] : [{ jobId, scheduleId }]
  })
  if (given.length === 0) return []
  return db.query<ScheduleRow & { readonly jobId: string }>(
    sql`select run.job_id as "jobId", ${columns}
        from unnest(
          ${given.map(({ jobId }) => jobId)}::text[], ${given.map(({ scheduleId }) => scheduleId)}::text[]
        ) as given (job, schedule)
        join job_schedule_run run on run.schedule_id = given.schedule and run.job_id = given.job
        join job_schedule on id = run.schedule_id`,
  )
}

/** The newest runs of these schedules, at most `limit` of each. */
export async function findRuns(
  db: Reader,
  scheduleIds: readonly string[],
  limit: number,
): Promise<(ScheduleRun & { readonly scheduleId: string })[]> {
  return db.query<ScheduleRun & { readonly scheduleId: string }>(
    sql`select run.schedule_id as "scheduleId", time, outcome, job_id as "jobId", reason
        from unnest(${scheduleIds}::text[]) as given (id)
        cross join lateral (
          select * from job_schedule_run where schedule_id = given.id order by time desc limit ${limit}
        ) run
        order by run.schedule_id, time desc`,
  )
}
