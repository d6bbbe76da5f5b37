import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import { inScope } from '../../database/in-scope.ts'
import type { Scope } from '../../scope.ts'
import type { DeviceJobStatistics } from '../statistics.ts'
import { facts, hasSucceeded, isRefused, statistics, status } from './device-jobs.ts'
import { isSkipped, target } from './facts.ts'
import type { FamilyStatistics } from './families.ts'

// The counters of a job count all its devices. Of a foreign job, the devices in the scope are counted one by one.

/** Maximum number of devices of a job, or of a family, whose device jobs are counted. */
export const mostCounted = 20_000

const isInScope = (scope: Scope): Sql => sql`(true${inScope(scope, sql`${target}.device_id`)})`

/** A job, by its key, and whether it is known to have ended. */
export type CountedJob = { readonly jobKey: string; readonly hasEnded: boolean }

/** Identifies a count, as text: the last one, after the end of the job, has another key than those before. */
export const countedJobKey = ({ jobKey, hasEnded }: CountedJob): string => `${jobKey} ${hasEnded}`

/**
 * Counts the device jobs of devices in the scope, job by job. Jobs with more than `mostCounted` devices are left out.
 */
export function countInScope(
  db: BoundedReader,
  scope: Scope,
  jobs: readonly CountedJob[],
): Promise<(DeviceJobStatistics & { readonly asked: string })[]> {
  return db.query<DeviceJobStatistics & { asked: string }>(
    sql`select given.asked, counted.*
        from unnest(
          ${jobs.map(countedJobKey)}::text[], ${jobs.map(({ jobKey }) => jobKey)}::bigint[]
        ) as given (asked, job_key)
        join job on job.key = given.job_key
        cross join lateral (
          select ${statistics}
          from (
            select ${status} as status, ${isRefused} as refused, ${isSkipped(sql`o`)} as skipped
            from device_job target ${facts()}
            where target.job_key = job.key and ${isInScope(scope)}
          ) device
        ) counted
        where job.device_count <= ${mostCounted}`,
  )
}

/** `isTooLarge`: the jobs of the family have more than `mostCounted` devices, which were not counted. */
export type ScopedFamilyStatistics = FamilyStatistics & { readonly isTooLarge: boolean }

/**
 * The statistics of each of these families over devices in the scope, counting every device once, as
 * `findFamilyStatistics` does.
 */
export function countFamiliesInScope(
  db: BoundedReader,
  scope: Scope,
  familyKeys: readonly string[],
): Promise<ScopedFamilyStatistics[]> {
  return db.query<ScopedFamilyStatistics>(
    sql`with member as materialized (
          select job.*, coalesce(family_key, key) as family
          from job
          where key = any(${familyKeys}::bigint[]) or family_key = any(${familyKeys}::bigint[])
        ), size as (
          select family, sum(device_count) > ${mostCounted} as "isTooLarge" from member group by family
        )
        select size.family as "familyKey", size."isTooLarge", ${statistics}
        from size
        left join (
          select distinct on (job.family, target.device_id) job.family, ${status} as status, ${isRefused} as refused, ${isSkipped(sql`o`)} as skipped
          from size join member job on job.family = size.family
          join device_job target on target.job_key = job.key ${facts()}
          where not size."isTooLarge" and ${isInScope(scope)}
          order by job.family, target.device_id, ${hasSucceeded} desc, job.key desc
        ) device on device.family = size.family
        group by size.family, size."isTooLarge"`,
  )
}
