import { empty, join, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader } from '../database/client.ts'
import { called, ended, failedOutcomes, failedWithJob, neverCalled, rowsOf } from './device-job-list-store.ts'
import { type DeviceJobView, facts, notAnswered, notCalled, TIME_UP, view } from './device-job-store.ts'
import { hasOutcome } from './fact-store.ts'

/** The code of the groups of devices that answered, with a status that says that they could not do it. */
const DEVICE_RESPONSE = 'DeviceResponse'

/** Device jobs of a job that went wrong in the same way. `responseStatus` is that of devices that answered. */
export type FailureGroup = {
  readonly jobId: string
  readonly code: string
  readonly message: string
  readonly responseStatus: number | null
  readonly count: number
  /** Of all devices of the job, 0 to 1. */
  readonly share: number
}

/** From this status on an answer is a failure, by the convention of HTTP that devices follow. The index has it so. */
const FAILURE_STATUS = sql`400`

/**
 * Why an outcome is a failure. Sizes and statuses out of range differ from device to device and say nothing by
 * themselves: with them in it, each device would be a group of its own.
 */
const messageOf = (row: Sql): Sql => sql`case
    when ${row}.error_code is null then 'The device answered with status ' || ${row}.response_status || '.'
    when ${row}.error_code in ('ArgumentInvalid', 'BadDeviceResponse')
      then regexp_replace(${row}.error_description, '\\d+(?= bytes)|-?\\d{10,}', '…', 'g')
    else ${row}.error_description end`

/** The groups of each of these jobs, the largest first: at most `limit` of each. */
export function findFailureGroups(
  db: Reader,
  jobIds: readonly string[],
  { limit }: { readonly limit: number },
): Promise<FailureGroup[]> {
  // How many failed with their job is known without looking at them; of those the calls that were sent are counted. The
  // others are counted as they stand before they get their messages, for there are far fewer of those than of outcomes.
  const place = sql`count desc, code collate "C", message collate "C"`
  return db.query<FailureGroup>(
    sql`select job.id as "jobId", code, message, "responseStatus", count,
               count::float8 / greatest(job.device_count, 1) as share
        from job
        cross join lateral (
          select * from (
            select coalesce(same.error_code, ${DEVICE_RESPONSE}) as code, ${messageOf(sql`same`)} as message,
                   case when same.error_code is null then same.response_status end as "responseStatus",
                   sum(same.count)::integer as count
            from (
              select error_code, error_description, response_status, count(*) as count
              from device_job_outcome o
              where o.job_key = job.key and (o.error_code is not null or o.response_status >= ${FAILURE_STATUS})
              group by error_code, error_description, response_status
            ) same
            group by 1, 2, 3
            union all
            select ${TIME_UP}, part.message, null, sum(part.count)::integer
            from (
              select job.failed_count - ${failedOutcomes} as total,
                     (select count(*)::integer from device_job_dispatch x
                      where x.job_key = job.key and not ${hasOutcome(sql`x`)}) as called
              where ${failedWithJob}
            ) remaining
            cross join lateral (
              values (${notAnswered}, remaining.called), (${notCalled}, remaining.total - remaining.called)
            ) as part (message, count)
            where part.count > 0
            group by part.message
          ) failure
          order by ${place}
          limit ${limit}
        ) failure
        where job.id = any(${jobIds})
        order by ${place}`,
  )
}

/** A device job of a group, and which. */
export type FailureSample = DeviceJobView & { readonly group: string }

/** What tells a group from others, as text. */
export const failureGroupKey = ({ jobId, code, message, responseStatus }: FailureGroup): string =>
  JSON.stringify([jobId, code, message, responseStatus])

/** The first device jobs of each of these groups, by device id: at most `limit` of each. */
export function findFailureSamples(
  db: Reader,
  groups: readonly FailureGroup[],
  { limit }: { readonly limit: number },
): Promise<FailureSample[]> {
  const page = sql`order by target.device_id limit ${limit}`
  const isOf = (message: Sql): Sql =>
    sql`failure.code = ${TIME_UP} and failure.message = ${message} and ${failedWithJob}`
  const sources = [
    ended(
      sql`failure.status is null and target.error_code is not null`,
      sql`target.error_code = failure.code and ${messageOf(sql`target`)} = failure.message`,
    ),
    ended(
      sql`failure.status is not null and target.error_code is null`,
      sql`target.response_status = failure.status and target.response_status >= ${FAILURE_STATUS}`,
    ),
    called(isOf(notAnswered)),
    neverCalled(isOf(notCalled), sql`job.status <> 'cancelled'`),
  ].map((source) => rowsOf(source, empty, page))
  return db.query<FailureSample>(
    sql`select failure.key as "group", ${view}
        from unnest(
          ${groups.map(failureGroupKey)}::text[],
          ${groups.map(({ jobId }) => jobId)}::text[],
          ${groups.map(({ code }) => code)}::text[],
          ${groups.map(({ message }) => message)}::text[],
          ${groups.map(({ responseStatus }) => responseStatus)}::integer[]
        ) as failure (key, job_id, code, message, status)
        join job on job.id = failure.job_id
        cross join lateral (
          select * from (${join(sources, ' union all ')}) target ${page}
        ) target ${facts()}
        order by target.device_id`,
  )
}
