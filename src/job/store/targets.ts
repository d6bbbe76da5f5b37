import { empty, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import { meetsCondition } from '../../database/meets-condition.ts'
import type { Reader, Tx } from '../../database/reader.ts'
import type { Scope } from '../../scope.ts'
import type { DeviceCondition } from '../../sql-fragment.ts'
import type { Wave } from '../waves.ts'
import { hasOutcome, keyOf, target } from './facts.ts'
import { expandInWaves } from './waves.ts'

/**
 * Freezes the device list of a job, which is within a scope, in one statement, and so at one moment. Returns the number
 * of devices. A job with waves also gets their sizes. `narrowed` is a further condition over `d`, beginning with `and`.
 */
export async function expandJob(
  tx: Tx & BoundedReader,
  scope: Scope,
  id: string,
  condition: DeviceCondition,
  waves: readonly Wave[] | null = null,
  narrowed = empty,
): Promise<number> {
  if (waves !== null) return expandInWaves(tx, scope, id, condition, waves, narrowed)
  const [row] = await tx.query<{ count: number }>(
    sql`with target as (
          insert into device_job (job_key, device_id)
          select job.key, d.id
          from job cross join device d join twin t on t.device_id = d.id
          where job.id = ${id} and ${meetsCondition(tx, scope, condition)} ${narrowed}
          order by d.id
          returning 1
        )
        select count(*)::integer as count from target`,
  )
  return row?.count ?? 0
}

/** Removes the devices of a job that has not started: nothing was done to any of them. */
export async function clearTargets(tx: Tx, id: string): Promise<void> {
  await tx.query(sql`delete from device_job where job_key = ${keyOf(id)}`)
  await tx.query(sql`delete from job_wave where job_key = ${keyOf(id)}`)
}

/** A page of a job's devices in the order of their ids, whatever their status. */
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

/** A place among the devices of a job with waves, which are in the order of the waves. */
export type WavePlace = { readonly wave: number; readonly deviceId: string }

/** A page of the devices in the open waves of a job, whatever their status, by waves and ids. */
export function findTargetsInWaves(db: Reader, jobId: string, after: WavePlace, limit: number): Promise<WavePlace[]> {
  return db.query<WavePlace>(
    sql`select wave, device_id as "deviceId" from device_job
        where job_key = ${keyOf(jobId)} and (wave, device_id) > (${after.wave}, ${after.deviceId})
          and wave <= (select open_wave from job where id = ${jobId})
        order by wave, device_id
        limit ${limit}`,
    'find-targets-in-waves',
  )
}

/** The same of devices without an outcome: for twin updates, which have no mark. */
export function findOpenTargetsInWaves(
  db: Reader,
  jobId: string,
  after: WavePlace,
  limit: number,
): Promise<WavePlace[]> {
  return db.query<WavePlace>(
    sql`select wave, device_id as "deviceId" from device_job target
        where job_key = ${keyOf(jobId)} and (wave, device_id) > (${after.wave}, ${after.deviceId})
          and wave <= (select open_wave from job where id = ${jobId}) and not ${hasOutcome(target)}
        order by wave, device_id
        limit ${limit}`,
    'find-open-targets-in-waves',
  )
}

/**
 * Those of the devices that are targets of a job, whatever their status. The ids are one array, so that PostgreSQL
 * looks up each of them: for a join it would read the whole job as long as it has no statistics of it.
 */
export async function findTargetsAmong(db: Reader, jobId: string, deviceIds: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ deviceId: string }>(
    sql`select device_id as "deviceId" from device_job
        where job_key = ${keyOf(jobId)} and device_id = any(${deviceIds}::text[])`,
    'find-targets-among',
  )
  return rows.map((row) => row.deviceId)
}

/** Up to `limit` of a job's devices after `after` without an outcome: for twin updates, which have no mark. */
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
