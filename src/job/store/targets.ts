import { empty, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { boundedFragment } from '../../database/bounded-fragment.ts'
import type { BoundedReader } from '../../database/bounded-read.ts'
import { meetsCondition } from '../../database/meets-condition.ts'
import type { Reader, Tx } from '../../database/reader.ts'
import type { Scope } from '../../scope.ts'
import type { DeviceCondition, Fragment } from '../../sql-fragment.ts'
import type { Wave } from '../waves.ts'
import { createGroups, groupOf } from './budget-groups.ts'
import { hasOutcome, isInOpenWindow, isStillThere, keyOf, target } from './facts.ts'
import { expandInWaves } from './waves.ts'

/** What narrows or groups the devices of a job. */
export type Selection = {
  /** Null for a job without waves. */
  readonly waves?: readonly Wave[] | null
  /** A further condition over `d`, beginning with `and`. */
  readonly narrowed?: Sql
  /** With a budget: the value by which the devices are grouped, as jsonb. */
  readonly groupBy?: Fragment | undefined
}

/**
 * Freezes the device list of a job, which is within a scope, in one statement, and so at one moment. Returns the number
 * of devices. A job with waves also gets their sizes. The groups of a budget are frozen with the devices.
 */
export async function expandJob(
  tx: Tx & BoundedReader,
  scope: Scope,
  id: string,
  condition: DeviceCondition,
  { waves = null, narrowed = empty, groupBy }: Selection = {},
): Promise<number> {
  const group = groupBy && groupOf(boundedFragment(tx, groupBy))
  if (waves !== null) return expandInWaves(tx, scope, id, condition, waves, { narrowed, group })
  const [row] = await tx.query<{ count: number }>(
    sql`with target as (
          insert into device_job (job_key, device_id${group ? sql`, group_key` : empty})
          select job.key, d.id${group ? sql`, ${group}` : empty}
          from job cross join device d join twin t on t.device_id = d.id
          where job.id = ${id} and ${meetsCondition(tx, scope, condition)} ${narrowed}
          order by d.id
          returning ${group ? sql`job_key, group_key` : sql`1`}
        )${group ? createGroups : empty}
        select count(*)::integer as count from target`,
  )
  return row?.count ?? 0
}

/** Removes the devices of a job that has not started: nothing was done to any of them. */
export async function clearTargets(tx: Tx, id: string): Promise<void> {
  await tx.query(sql`delete from device_job where job_key = ${keyOf(id)}`)
  await tx.query(sql`delete from job_wave where job_key = ${keyOf(id)}`)
  await tx.query(sql`delete from budget_group where job_key = ${keyOf(id)}`)
  await tx.query(sql`delete from job_window where job_key = ${keyOf(id)}`)
}

/** Whether the job has a time window: then only devices whose window is open are found. */
type Timed = { readonly hasWindow: boolean }

/** The condition, beginning with `and`, and the end of the name of the statement. */
const narrowed = ({ hasWindow }: Timed): { readonly inWindow: Sql; readonly suffix: string } =>
  hasWindow ? { inWindow: sql`and ${isInOpenWindow(target)}`, suffix: '-in-window' } : { inWindow: empty, suffix: '' }

/** A page of a job's devices in the order of their ids, whatever their status. */
export async function findTargets(
  db: Reader,
  jobId: string,
  after: string,
  limit: number,
  timed: Timed,
): Promise<string[]> {
  const { inWindow, suffix } = narrowed(timed)
  const rows = await db.query<{ deviceId: string }>(
    sql`select device_id as "deviceId" from device_job target
        where job_key = ${keyOf(jobId)} and device_id > ${after} ${inWindow}
        order by device_id
        limit ${limit}`,
    `find-targets${suffix}`,
  )
  return rows.map((row) => row.deviceId)
}

/** A page of the targets without an outcome whose devices do not exist any more, by id. */
export async function findTargetsOfTheGone(tx: Tx, jobId: string, after: string, limit: number): Promise<string[]> {
  const rows = await tx.query<{ deviceId: string }>(
    sql`select device_id as "deviceId"
        from job
        join device_job target on target.job_key = job.key
        where job.id = ${jobId} and device_id > ${after} and not ${isStillThere(target)} and not ${hasOutcome(target)}
        order by device_id
        limit ${limit}`,
  )
  return rows.map((row) => row.deviceId)
}

/** A place among the devices of a job with waves, which are in the order of the waves. */
export type WavePlace = { readonly wave: number; readonly deviceId: string }

/** A page of the devices in the open waves of a job, whatever their status, by waves and ids. */
export function findTargetsInWaves(
  db: Reader,
  jobId: string,
  after: WavePlace,
  limit: number,
  timed: Timed,
): Promise<WavePlace[]> {
  const { inWindow, suffix } = narrowed(timed)
  return db.query<WavePlace>(
    sql`select wave, device_id as "deviceId" from device_job target
        where job_key = ${keyOf(jobId)} and (wave, device_id) > (${after.wave}, ${after.deviceId})
          and wave <= (select open_wave from job where id = ${jobId}) ${inWindow}
        order by wave, device_id
        limit ${limit}`,
    `find-targets-in-waves${suffix}`,
  )
}

/** The same of devices without an outcome: for twin updates, which have no mark. */
export function findOpenTargetsInWaves(
  db: Reader,
  jobId: string,
  after: WavePlace,
  limit: number,
  timed: Timed,
): Promise<WavePlace[]> {
  const { inWindow, suffix } = narrowed(timed)
  return db.query<WavePlace>(
    sql`select wave, device_id as "deviceId" from device_job target
        where job_key = ${keyOf(jobId)} and (wave, device_id) > (${after.wave}, ${after.deviceId})
          and wave <= (select open_wave from job where id = ${jobId}) and not ${hasOutcome(target)} ${inWindow}
        order by wave, device_id
        limit ${limit}`,
    `find-open-targets-in-waves${suffix}`,
  )
}

/**
 * Those of the devices that are targets of a job, whatever their status. The ids are one array, so that PostgreSQL
 * looks up each of them: for a join it would read the whole job as long as it has no statistics of it.
 */
export async function findTargetsAmong(
  db: Reader,
  jobId: string,
  deviceIds: readonly string[],
  timed: Timed,
): Promise<string[]> {
  const { inWindow, suffix } = narrowed(timed)
  const rows = await db.query<{ deviceId: string }>(
    sql`select device_id as "deviceId" from device_job target
        where job_key = ${keyOf(jobId)} and device_id = any(${deviceIds}::text[]) ${inWindow}`,
    `find-targets-among${suffix}`,
  )
  return rows.map((row) => row.deviceId)
}

/** Up to `limit` of a job's devices after `after` without an outcome: for twin updates, which have no mark. */
export async function findOpenTargets(
  db: Reader,
  jobId: string,
  after: string,
  limit: number,
  timed: Timed,
): Promise<string[]> {
  const { inWindow, suffix } = narrowed(timed)
  const rows = await db.query<{ deviceId: string }>(
    sql`select device_id as "deviceId" from device_job target
        where job_key = ${keyOf(jobId)} and device_id > ${after} and not ${hasOutcome(target)} ${inWindow}
        order by device_id
        limit ${limit}`,
    `find-open-targets${suffix}`,
  )
  return rows.map((row) => row.deviceId)
}
