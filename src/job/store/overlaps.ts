import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader, BoundedReads } from '../../database/bounded-read.ts'
import { devicesWhere, meetsCondition } from '../../database/meets-condition.ts'
import type { Scope } from '../../scope.ts'
import type { DeviceCondition, Fragment } from '../../sql-fragment.ts'
import type { TwinPatch } from '../../twin/check-patch.ts'
import type { PreviewCount } from '../preview.ts'
import { hasOutcome, target } from './facts.ts'
import { columns, type JobRow } from './jobs.ts'
import { selectedDevices } from './retries.ts'

/** A job that has not ended and was not cancelled. `patch` is null unless it patches twins. */
export type OpenJob = Pick<
  JobRow,
  'id' | 'status' | 'startTime' | 'startedTime' | 'deadline' | 'selectedTime' | 'queryCondition' | 'retry' | 'scope'
> & {
  readonly key: string
  readonly patch: TwinPatch | null
}

/** The newest 100 open jobs, the newest first; an empty list when there is no time to find them. */
export async function findOpenJobs(db: BoundedReads): Promise<OpenJob[]> {
  // Method calls are not read: their payloads may be large and are not needed.
  const jobs = await db.boundedRead(200, (reader) =>
    reader.query<OpenJob>(
      sql`select id, key, status, "startTime", "startedTime", deadline, "selectedTime", "queryCondition", retry, scope, case type when 'scheduleUpdateTwin' then request end as patch
          from (
            select ${columns}, key from job
            where end_time is null and status <> 'cancelled'
            order by created_time desc, id desc
            limit 100
          ) open
          order by "createdTime" desc, id desc`,
    ),
  )
  return jobs ?? []
}

/** `selects`: the devices that it will select; undefined for a job whose devices are frozen. */
export type OverlapCandidate = Pick<OpenJob, 'id' | 'key' | 'retry'> & {
  readonly selects: { readonly condition: DeviceCondition; readonly scope: Scope } | undefined
}

/** Maximum number of values of conditions in one statement: PostgreSQL allows 65,535, and conditions may be long. */
const maxValues = 20_000
/** Sizes of the sample of devices; the small one is for when there is no time for the large one. */
const sampleSizes = { large: 10_000, small: 500 }

/**
 * How many of the devices in the scope that meet a condition each of these jobs will select, or still has open when it
 * runs, by job id. Counted in a sample, the first devices that PostgreSQL finds; for jobs that have none of these,
 * common devices are searched. When there is no time for either, or when too many long conditions precede a job, the
 * overlap is unknown: at least 0.
 */
export async function countOverlaps(
  db: BoundedReads,
  scope: Scope,
  condition: DeviceCondition,
  jobs: readonly OverlapCandidate[],
): Promise<ReadonlyMap<string, PreviewCount>> {
  const counts = new Map(jobs.map(({ id }): [string, PreviewCount] => [id, { value: 0, precision: 'atLeast' }]))
  const fitting = withinValues(scope, jobs)
  if (fitting.length === 0) return counts
  const { large, small } = sampleSizes
  const sample =
    (await db.boundedRead(300, (reader) => countInSample(reader, scope, condition, fitting, large))) ??
    (await db.boundedRead(100, (reader) => countInSample(reader, scope, condition, fitting, small)))
  for (const [id, count] of sample ?? []) counts.set(id, count)
  const untouched = fitting.filter(({ id }) => {
    const { value, precision } = counts.get(id) ?? { value: 0, precision: 'exact' }
    return value === 0 && precision === 'atLeast'
  })
  if (untouched.length === 0) return counts
  const common = await db.boundedRead(200, (reader) => countCommon(reader, scope, condition, untouched, large))
  for (const [id, count] of common ?? []) counts.set(id, count)
  return counts
}

/** The first jobs whose conditions fit into one statement together. */
function withinValues(scope: Scope, jobs: readonly OverlapCandidate[]): readonly OverlapCandidate[] {
  const valuesIn = (condition: Fragment | null | undefined): number => condition?.values.length ?? 0
  let values = 0
  return jobs.filter(({ selects }) => {
    if (selects !== undefined) {
      const { condition } = selects
      // See meetsCondition.
      const inScopes = 2 * (valuesIn(scope.condition) + valuesIn(selects.scope.condition))
      values += valuesIn(condition) + valuesIn(condition.lookups) + inScopes
    }
    return values <= maxValues
  })
}

/**
 * Whether a job will affect the device `d`, which must be in these scopes when it is not known to be. A device of a
 * job that has ended is no longer affected.
 */
function touches(db: BoundedReader, { key, selects, retry }: OverlapCandidate, ...scopes: readonly Scope[]): Sql {
  if (selects === undefined) {
    return sql`exists (
      select from device_job target
      where target.job_key = ${key}::bigint and target.device_id = d.id and not ${hasOutcome(target)}
    )`
  }
  const selected = meetsCondition(db, selects.scope, selects.condition, ...scopes)
  return retry === null ? selected : sql`${selected} and d.id in (${selectedDevices(retry)})`
}

/** Reads each of up to `size` devices once, for all jobs. */
async function countInSample(
  db: BoundedReader,
  scope: Scope,
  condition: DeviceCondition,
  jobs: readonly OverlapCandidate[],
  size: number,
): Promise<[string, PreviewCount][]> {
  // The devices of the sample are in the scope.
  const counts = jobs.map((job) => sql`count(*) filter (where ${touches(db, job)})`)
  const [row] = await db.query<{ devices: number; counts: number[] }>(
    sql`with matching as materialized (select d.id ${devicesWhere(db, scope, condition)} limit ${size})
        select count(*)::integer as devices, array[${join(counts)}]::integer[] as counts
        from matching join device d on d.id = matching.id join twin t on t.device_id = d.id`,
  )
  const precision = row !== undefined && row.devices < size ? 'exact' : 'atLeast'
  return jobs.map(({ id }, index) => [id, { value: row?.counts[index] ?? 0, precision }])
}

/** Searches devices that each of the jobs has in common with the condition, up to `limit`, by the indexes of both. */
async function countCommon(
  db: BoundedReader,
  scope: Scope,
  condition: DeviceCondition,
  jobs: readonly OverlapCandidate[],
  limit: number,
): Promise<[string, PreviewCount][]> {
  const counts = jobs.map(
    (job) => sql`
      select ${job.id}::text as id, count(*)::integer as count
      from (
        select from device d join twin t on t.device_id = d.id
        where ${touches(db, job, scope)} and d.id in (select id from matching)
        limit ${limit}
      ) common`,
  )
  const rows = await db.query<{ id: string; count: number }>(
    sql`with matching as not materialized (select d.id ${devicesWhere(db, scope, condition)}) ${join(counts, ' union all ')}`,
  )
  return rows.map(({ id, count }) => [id, { value: count, precision: count < limit ? 'exact' : 'atLeast' }])
}
