import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Tx } from '../../database/reader.ts'
import { jobEnd } from './job-end.ts'

/** A retry that has not started selects its devices from the facts of its source. */
const isAwaited = sql`exists (
  select from job retry where retry.retry_of = job.key and retry.started_time is null and retry.end_time is null
)`

/**
 * Deletes up to `limit` jobs that ended before `time`, with all their facts and events, except for those that a retry
 * needs.
 */
export async function deleteJobsEndedBefore(tx: Tx, time: Date, limit: number): Promise<string[]> {
  const locked = await tx.query<{ key: string }>(
    sql`select key from job
        where ${jobEnd} < ${time} and not ${isAwaited}
        order by ${jobEnd}
        limit ${limit}
        for update skip locked`,
  )
  // Checked again under the lock: a new retry locks its source, too (lockSource).
  const jobs = await tx.query<{ id: string; key: string }>(
    sql`select id, key from job where key = any(${locked.map((job) => job.key)}::bigint[]) and not ${isAwaited}`,
  )
  const keys = jobs.map((job) => job.key)
  if (keys.length > 0) {
    await tx.query(sql`delete from device_job_outcome where job_key = any(${keys}::bigint[])`)
    await tx.query(sql`delete from device_job_dispatch where job_key = any(${keys}::bigint[])`)
    await tx.query(sql`delete from device_job_attempt where job_key = any(${keys}::bigint[])`)
    await tx.query(sql`delete from device_job where job_key = any(${keys}::bigint[])`)
    await tx.query(sql`delete from job where key = any(${keys}::bigint[])`)
  }
  return jobs.map((job) => job.id)
}
