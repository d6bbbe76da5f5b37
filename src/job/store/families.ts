import { sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import type { DeviceJobStatistics } from '../statistics.ts'
import { facts, hasSucceeded, isRefused, statistics, status } from './device-jobs.ts'
import { isSkipped } from './facts.ts'

/** Maximum number of jobs in one list, the newest of them: a job may be retried any number of times. */
export const maxRelatives = 100

/** A job and the key of the job, or of the family, whose list it belongs to. */
export type Relative = { readonly ofKey: string; readonly jobId: string }

/** The retries of each of these jobs (by their keys), the oldest first. */
export function findRetries(db: BoundedReader, jobKeys: readonly string[]): Promise<Relative[]> {
  return db.query<Relative>(
    sql`select given.key as "ofKey", retry.id as "jobId"
        from unnest(${jobKeys}::bigint[]) as given (key)
        cross join lateral (
          select id, key from job where retry_of = given.key order by key desc limit ${maxRelatives}
        ) retry
        order by retry.key`,
  )
}

/** The jobs of each of these families (by the keys of their first jobs) that are still kept, the oldest first. */
export function findFamilies(db: BoundedReader, familyKeys: readonly string[]): Promise<Relative[]> {
  return db.query<Relative>(
    sql`select given.key as "ofKey", member.id as "jobId"
        from unnest(${familyKeys}::bigint[]) as given (key)
        cross join lateral (
          select id, key from job
          where key = given.key or family_key = given.key
          order by key desc
          limit ${maxRelatives}
        ) member
        order by member.key`,
  )
}

/** The progress of a family. */
export type FamilyStatistics = DeviceJobStatistics & { readonly familyKey: string }

/**
 * The statistics of each of these families, counting every device once: it succeeded if it did in any of the jobs;
 * otherwise it has its status in the newest job that includes it. Reads all facts of a family, unless it is a single
 * job, whose own counters are used. Families without any device job may be left out.
 */
export function findFamilyStatistics(db: BoundedReader, familyKeys: readonly string[]): Promise<FamilyStatistics[]> {
  return db.query<FamilyStatistics>(
    sql`with member as materialized (
          select job.*, coalesce(family_key, key) as family,
                 count(*) over (partition by coalesce(family_key, key)) as size
          from job
          where key = any(${familyKeys}::bigint[]) or family_key = any(${familyKeys}::bigint[])
        )
        select family as "familyKey", device_count as "deviceCount", pending_count as "pendingCount",
               running_count as "runningCount", succeeded_count as "succeededCount", refused_count as "refusedCount",
               skipped_count as "skippedCount", failed_count as "failedCount", canceled_count as "cancelledCount"
        from member
        where size = 1
        union all
        select family, ${statistics}
        from (
          select distinct on (job.family, target.device_id) job.family, ${status} as status, ${isRefused} as refused, ${isSkipped(sql`o`)} as skipped
          from member job join device_job target on target.job_key = job.key ${facts()}
          where job.size > 1
          order by job.family, target.device_id, ${hasSucceeded} desc, job.key desc
        ) device
        group by family`,
  )
}
