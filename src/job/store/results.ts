import { sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import type { Scope } from '../../scope.ts'
import { type DeviceJobView, facts, view } from './device-jobs.ts'
import { andVisible } from './own-jobs.ts'

/** A device job with the payload of the device's answer, as it was sent: JSON. Null without an answer. */
export type ResultRow = DeviceJobView & { readonly payload: string | null }

/**
 * Device jobs of a job that are visible in the scope, by device id, after the one of a device: up to `limit`, and none
 * after those whose payloads have `maxBytes` together. Empty only when there are no more.
 */
export function findResults(
  db: BoundedReader,
  scope: Scope,
  jobId: string,
  { after, limit, maxBytes }: { readonly after: string; readonly limit: number; readonly maxBytes: number },
): Promise<ResultRow[]> {
  return db.query<ResultRow>(
    sql`select "jobId", "deviceId", status, version, "dispatchedTime", "endedTime", "responseStatus", "errorCode",
               "errorDescription", skipped, "repeatedCount", payload
        from (
          select page.*, sum(size) over (order by "deviceId") - size as before
          from (
            select ${view}, o.response_payload as payload, coalesce(octet_length(o.response_payload), 0) as size
            from job join device_job target on target.job_key = job.key ${facts()}
            where job.id = ${jobId} and target.device_id > ${after} ${andVisible(scope)}
            order by target.device_id
            limit ${limit}
          ) page
        ) sized
        where before <= ${maxBytes}
        order by "deviceId"`,
  )
}
