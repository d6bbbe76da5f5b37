import { empty, join, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { inScope } from '../../database/in-scope.ts'
import type { Reader } from '../../database/reader.ts'
import { isEverything, type Scope } from '../../scope.ts'
import { deviceResponse, type FailureGroup, type Failures, mostGroups } from '../failure-groups.ts'
import { called, ended, failedOutcomes, failedWithJob, neverCalled, rowsOf } from './device-job-list.ts'
import {
  cancelledCode,
  type DeviceJobView,
  facts,
  failureStatus,
  notAnswered,
  notCalled,
  timeUp,
  view,
} from './device-jobs.ts'
import { hasOutcome, hasVersion, isDispatched, target } from './facts.ts'
import { andVisible, ownJob, visible } from './own-jobs.ts'

/**
 * The reason why an outcome is a failure. Sizes and out-of-range statuses differ from device to device and explain
 * nothing: with them, each device would be a group of its own.
 */
const messageOf = (row: Sql): Sql => sql`case
    when ${row}.error_code is null then 'The device answered with status ' || ${row}.response_status || '.'
    when ${row}.error_code in ('ArgumentInvalid', 'BadDeviceResponse')
      then regexp_replace(${row}.error_description, '\\d+(?= bytes)|-?\\d{10,}', '…', 'g')
    else ${row}.error_description end`

/**
 * Failures of a job, by its key, after one of its versions; null means all. `hasEnded`: whether it is known to have
 * ended.
 */
export type FailuresAsked = { readonly jobKey: string; readonly since: number | null; readonly hasEnded: boolean }

/** Identifies a request, as text. */
export const failuresKey = ({ jobKey, since, hasEnded }: FailuresAsked): string =>
  JSON.stringify([jobKey, since, hasEnded])

/**
 * The failures in each of these jobs after a version, as far as they are visible in the scope, in groups. An outcome
 * never changes and has the version of the job that counts it, assigned under the lock on the job's row: a reader that
 * has read up to a version has read everything before it. Device jobs that failed with their job are added when it has
 * ended, all at once.
 */
export function findFailures(
  db: Reader,
  scope: Scope,
  asked: readonly FailuresAsked[],
): Promise<(Failures & { readonly asked: string })[]> {
  const failed = sql`(
    (o.error_code is not null or o.response_status >= ${failureStatus}) and o.error_code is distinct from ${cancelledCode}
  )`
  // Outcomes, and failures without an outcome, are counted before they get their messages, because there are far fewer
  // groups than outcomes. All failures have an index. The few after a version are found by the index of versions;
  // `offset 0` keeps the planner from going through all failures for them.
  return db.query<Failures & { asked: string }>(
    sql`select given.asked, job.version, job.end_time is not null as "hasEnded", failures.groups
        from unnest(
          ${asked.map(failuresKey)}::text[],
          ${asked.map(({ jobKey }) => jobKey)}::bigint[],
          ${asked.map(({ since }) => since)}::integer[]
        ) as given (asked, job_key, since)
        join job on job.key = given.job_key
        cross join lateral (
          select coalesce(json_agg(failure), '[]') as groups
          from (
            select coalesce(same.error_code, ${deviceResponse}) as code, ${messageOf(sql`same`)} as message,
                   case when same.error_code is null then same.response_status end as "responseStatus",
                   sum(same.count)::integer as count
            from (
              select error_code, error_description, response_status, count(*) as count
              from (
                select error_code, error_description, response_status
                from device_job_outcome o
                where given.since is null and o.job_key = job.key and ${failed}${andVisible(scope, sql`o`)}
                union all
                select error_code, error_description, response_status
                from (
                  select * from device_job_outcome o where o.job_key = job.key and ${hasVersion(sql`o`)} and o.version > given.since${andVisible(scope, sql`o`)}
                  offset 0
                ) o
                where ${failed}
              ) outcome
              group by error_code, error_description, response_status
            ) same
            group by 1, 2, 3
            union all
            select ${timeUp}, part.message, null, sum(part.count)::integer
            from (
              select ${failedWithoutOutcome(scope)} as total,
                     (select count(*)::integer from device_job_dispatch x
                      where x.job_key = job.key and not ${hasOutcome(sql`x`)}${andVisible(scope, sql`x`)}) as called
              where ${failedWithJob}
            ) remaining
            cross join lateral (
              values (${notAnswered}, remaining.called), (${notCalled}, remaining.total - remaining.called)
            ) as part (message, count)
            where part.count > 0
            group by part.message
            order by count desc
            limit ${mostGroups + 1}
          ) failure
        ) failures`,
  )
}

/**
 * How many device jobs of `job` that are visible in the scope failed with it. In a cancelled job, only those called.
 */
function failedWithoutOutcome(scope: Scope): Sql {
  const all = sql`job.failed_count - ${failedOutcomes}`
  if (isEverything(scope)) return all
  return sql`case when ${ownJob(scope)} then ${all} else (
    select count(*)::integer from device_job target
    where target.job_key = job.key and not ${hasOutcome(target)}
      and (job.status <> 'cancelled' or ${isDispatched(target)})${inScope(scope, sql`${target}.device_id`)}) end`
}

/** A group of a job. `hasEnded`: whether the job is known to have ended. */
export type GroupOfJob = FailureGroup & { readonly jobId: string; readonly hasEnded: boolean }

/** A group whose device jobs are requested. `size`: its number of device jobs, at most the requested number. */
export type SampledGroup = GroupOfJob & { readonly size: number }

/** A device job of a group, and which group. */
export type FailureSample = DeviceJobView & { readonly group: string }

/** Identifies a sample, as text: a growing group gets a new key until it has the requested number. */
export const sampledGroupKey = ({ jobId, code, message, responseStatus, hasEnded, size }: SampledGroup): string =>
  JSON.stringify([jobId, code, message, responseStatus, hasEnded, size])

/**
 * The first device jobs of each of these groups that are visible in the scope, by device id: at most `limit` per group.
 */
export function findFailureSamples(
  db: Reader,
  scope: Scope,
  groups: readonly SampledGroup[],
  { limit }: { readonly limit: number },
): Promise<FailureSample[]> {
  const page = sql`order by target.device_id limit ${limit}`
  const isOf = (message: Sql): Sql =>
    sql`failure.code = ${timeUp} and failure.message = ${message} and ${failedWithJob}`
  const sources = [
    ended(
      sql`failure.status is null and target.error_code is not null`,
      sql`target.error_code = failure.code and ${messageOf(sql`target`)} = failure.message`,
    ),
    ended(
      sql`failure.status is not null and target.error_code is null`,
      sql`target.response_status = failure.status and target.response_status >= ${failureStatus}`,
    ),
    called(isOf(notAnswered)),
    neverCalled(isOf(notCalled), sql`job.status <> 'cancelled'`),
  ].map((source) => rowsOf({ ...source, where: [...source.where, ...visible(scope)] }, empty, page))
  return db.query<FailureSample>(
    sql`select failure.key as "group", ${view}
        from unnest(
          ${groups.map(sampledGroupKey)}::text[],
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
