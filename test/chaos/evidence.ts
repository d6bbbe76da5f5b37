import type pg from 'pg'
import type { DeviceJobRecord, DeviceRecord, JobRecord } from './judge.ts'

/** The jobs of a run with all their device jobs, read from the tables: no part of the hub takes part. */
export async function readJobs(pool: pg.Pool): Promise<JobRecord[]> {
  const { rows } = await pool.query<Omit<JobRecord, 'deviceJobs'> & { readonly key: string }>(
    `select key, id as "jobId", type, status, end_time is not null as "hasEnded",
       device_count as "deviceCount", pending_count as "pendingCount", running_count as "runningCount",
       succeeded_count as "succeededCount", failed_count as "failedCount", canceled_count as "cancelledCount"
     from job order by key`,
  )
  const jobs: JobRecord[] = []
  for (const { key, ...job } of rows) {
    const { rows: deviceJobs } = await pool.query<DeviceJobRecord>(
      `select device_id as "deviceId", mark.job_key is not null as "isMarked",
         case when outcome.job_key is not null then json_build_object(
           'errorCode', error_code, 'status', response_status, 'payload', response_payload
         ) end as outcome
       from device_job
       left join device_job_dispatch mark using (job_key, device_id)
       left join device_job_outcome outcome using (job_key, device_id)
       where device_job.job_key = $1`,
      [key],
    )
    jobs.push({ ...job, deviceJobs })
  }
  return jobs
}

/** How many jobs have not ended. */
export async function countOpenJobs(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    'select count(*)::integer as count from job where end_time is null',
  )
  return rows[0]?.count ?? Number.NaN
}

/** The devices, and whether each is connected to an instance that is alive. */
export async function readDevices(pool: pg.Pool): Promise<DeviceRecord[]> {
  const { rows } = await pool.query<DeviceRecord>(
    `select device.id as "deviceId", desired_version as "desiredVersion",
       connection_state = 'connected' and coalesce(lease_until > now(), false) as "isConnected",
       desired -> 'round' is not distinct from reported -> 'round' as "isUpToDate"
     from device
     join twin on device_id = device.id
     left join instance on instance.id = instance_id`,
  )
  return rows
}
