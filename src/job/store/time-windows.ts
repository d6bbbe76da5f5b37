import { sqltag as sql } from '@prisma/client/runtime/client'
import { boundedFragment } from '../../database/bounded-fragment.ts'
import type { BoundedReader } from '../../database/bounded-read.ts'
import type { Reader, Tx } from '../../database/reader.ts'
import type { Fragment } from '../../sql-fragment.ts'
import type { OpenTime } from '../time-window.ts'
import { keyOf } from './facts.ts'

// The times at which the devices of an open job may have their turn. Whoever changes them has locked the job's row before.

/** The time by the clock of the database, which decides when windows open and close. */
export async function readTime(tx: Tx): Promise<Date> {
  const [row] = await tx.query<{ time: Date }>(sql`select clock_timestamp() as time`, 'read-time')
  if (row === undefined) throw new Error('The database did not answer.')
  return row.time
}

/** Gives a job that is being started its window in its own time zone. */
export async function insertWindow(
  tx: Tx,
  jobId: string,
  { timeZone, deviceCount, opens, closes, turn }: OpenTime & Turn & { timeZone: string; deviceCount: number },
): Promise<void> {
  await tx.query(
    sql`insert into job_window (job_key, zone_key, time_zone, device_count, opens_time, closes_time, turn_time)
        values (${keyOf(jobId)}, 0, ${timeZone}, ${deviceCount}, ${opens}, ${closes}, ${turn})`,
  )
}

/** Zones of one job. The database of time zones has fewer names. */
const mostZones = 1_000

/**
 * Freezes the time zones of the devices of a job, which have been selected: the texts at a path of each device. Whether they
 * are names of zones is not checked. Devices without a text have no zone, and neither have those of the rarest of more than 1,000
 * texts.
 */
export async function freezeZones(tx: Tx & BoundedReader, jobId: string, zone: Fragment): Promise<void> {
  await tx.query(
    sql`with valued as (
          select target.device_id, ${boundedFragment(tx, zone)} as value
          from device_job target join device d on d.id = target.device_id join twin t on t.device_id = target.device_id
          where target.job_key = ${keyOf(jobId)}
        ), named as (
          select device_id, case when jsonb_typeof(value) = 'string' and length(value #>> '{}') <= 64 then value #>> '{}' end as name
          from valued
        ), kept as (
          select name from named where name is not null group by name order by count(*) desc, name limit ${mostZones}
        ), placed as (
          select device_id, kept.name from named left join kept on kept.name = named.name
        ), frozen as (
          update device_job target set zone_key = hashtextextended(name, 0)
          from placed
          where target.job_key = ${keyOf(jobId)} and target.device_id = placed.device_id and name is not null
        )
        insert into job_window (job_key, zone_key, time_zone, device_count)
        select ${keyOf(jobId)}, coalesce(hashtextextended(name, 0), 0), name, count(*) from placed group by name`,
  )
}

/** The time zones of the devices of a job, as the devices name them. */
export function findZones(
  tx: Tx,
  jobId: string,
): Promise<{ readonly zoneKey: string; readonly timeZone: string | null }[]> {
  return tx.query(
    sql`select zone_key as "zoneKey", time_zone as "timeZone" from job_window where job_key = ${keyOf(jobId)}`,
  )
}

/** Saves which zone counts for devices that name none, or one that does not exist: null for those whose window never opens. */
export async function saveZones(
  tx: Tx,
  jobId: string,
  zones: readonly { readonly zoneKey: string; readonly timeZone: string | null }[],
): Promise<void> {
  await tx.query(
    sql`update job_window set time_zone = given.time_zone
        from unnest(${zones.map(({ zoneKey }) => zoneKey)}::bigint[], ${zones.map(({ timeZone }) => timeZone)}::text[])
          as given (zone_key, time_zone)
        where job_key = ${keyOf(jobId)} and job_window.zone_key = given.zone_key`,
  )
}

/** `turn`: which of its two times is the next. */
type Turn = { readonly turn: Date }

/** A window of an open job whose next time has come. */
export type DueWindow = {
  readonly zoneKey: string
  readonly timeZone: string
  readonly opens: Date
  readonly closes: Date
}

/** The jobs with a window whose next time has come, and the milliseconds until that of another; null when there is none. */
export async function findDueWindows(
  db: Reader,
): Promise<{ readonly jobIds: readonly string[]; readonly waitMs: number | null }> {
  const [row] = await db.query<{ jobIds: string[]; waitMs: number | null }>(
    sql`select
          array(
            select job.id from job
            where job.key in (
              select job_key from job_window where turn_time <= clock_timestamp() order by turn_time limit 1000
            ) and job.end_time is null
            order by job.id
          ) as "jobIds",
          (
            select ceil(1000 * extract(epoch from min(turn_time) - clock_timestamp()))::float8
            from job_window where turn_time > clock_timestamp()
          ) as "waitMs"`,
    'find-due-windows',
  )
  return row ?? { jobIds: [], waitMs: null }
}

/** The windows of a job, which is locked, whose next time has come at `time`. */
export function readDueWindows(tx: Tx, jobId: string, time: Date): Promise<DueWindow[]> {
  return tx.query<DueWindow>(
    sql`select zone_key as "zoneKey", time_zone as "timeZone", opens_time as opens, closes_time as closes
        from job_window where job_key = ${keyOf(jobId)} and turn_time <= ${time}`,
    'read-due-windows',
  )
}

/** Saves the next times of windows of a job, which is locked, and that it changed. */
export async function saveWindows(
  tx: Tx,
  jobId: string,
  windows: readonly (OpenTime & Turn & { readonly zoneKey: string })[],
): Promise<void> {
  await tx.query(
    sql`with moved as (
          update job set version = version + 1 where id = ${jobId} returning key
        )
        update job_window
        set opens_time = given.opens, closes_time = given.closes, turn_time = given.turn
        from moved, unnest(
          ${windows.map(({ zoneKey }) => zoneKey)}::bigint[], ${windows.map(({ opens }) => opens)}::timestamptz[],
          ${windows.map(({ closes }) => closes)}::timestamptz[], ${windows.map(({ turn }) => turn)}::timestamptz[]
        ) as given (zone_key, opens, closes, turn)
        where job_window.job_key = moved.key and job_window.zone_key = given.zone_key`,
  )
}

/** The times of a window of a job, for clients. Without a time zone, it never opens. */
export type WindowTimes = { readonly jobKey: string; readonly deviceCount: number } & (
  | (OpenTime & { readonly timeZone: string })
  | { readonly timeZone: null; readonly opens: null; readonly closes: null }
)

/** The windows of these jobs, by their keys. Only open jobs that have started have some. */
export function findWindows(db: Reader, jobKeys: readonly string[]): Promise<WindowTimes[]> {
  return db.query<WindowTimes>(
    sql`select job_key as "jobKey", time_zone as "timeZone", sum(job_window.device_count)::integer as "deviceCount", opens_time as opens,
               closes_time as closes
        from job_window join job on job.key = job_key
        where job_key = any(${jobKeys}::bigint[]) and job.started_time is not null
        group by job_key, time_zone, opens_time, closes_time
        order by job_key, time_zone`,
    'find-windows',
  )
}
