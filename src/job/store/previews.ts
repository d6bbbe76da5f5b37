import { empty, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader, BoundedReads } from '../../database/bounded-read.ts'
import { complies } from '../../database/complies.ts'
import { devicesWhere } from '../../database/meets-condition.ts'
import type { Scope } from '../../scope.ts'
import type { DeviceCondition } from '../../sql-fragment.ts'
import type { TwinPatch } from '../../twin/check-patch.ts'
import { complianceOf } from '../../twin/compliance.ts'
import type { DeviceSet, JobPreview, PastJob, PreviewCount } from '../preview.ts'
import type { JobType } from '../request.ts'
import { jobEnd } from './job-end.ts'
import { ownJob } from './own-jobs.ts'

// Every query of a preview has a limit in milliseconds of PostgreSQL's time, and an answer for when it is reached.

/**
 * How many devices in a scope meet a condition, how many of them are connected, and how many already comply with a
 * patch.
 */
export type Matches = DeviceSet & { readonly connectedCount: number; readonly compliantCount: number }

/**
 * Counts the devices in the scope that meet a condition, at most `limit` of them. The fingerprint contains their number
 * and an exclusive or of 64-bit hashes: it does not depend on the order, but on the devices, including their
 * generation. Without a patch all comply.
 */
export async function readMatches(
  db: BoundedReader,
  scope: Scope,
  condition: DeviceCondition,
  { patch = {}, limit }: { readonly patch?: TwinPatch | undefined; readonly limit?: number } = {},
): Promise<Matches> {
  const [row] = await db.query<Matches>(
    sql`select count(*)::integer as "deviceCount",
               count(*) filter (where connected)::integer as "connectedCount",
               count(*) filter (where compliant)::integer as "compliantCount",
               lpad(to_hex(count(*)), 8, '0') || lpad(to_hex(coalesce(bit_xor(hash), 0)), 16, '0') as fingerprint
        from (
          select d.connection_state = 'connected' as connected, (${compliesWith(patch)}) as compliant,
                 hashtextextended(d.id, hashtextextended(d.generation_id, 0)) as hash
          ${devicesWhere(db, scope, condition)}
          ${limit === undefined ? empty : sql`limit ${limit}`}
        ) matching`,
  )
  if (row === undefined) throw new Error('An aggregate without GROUP BY has no row.')
  return row
}

/** Whether the twin `t` already is what the patch would make of it; never NULL. */
const compliesWith = ({ tags, desired }: TwinPatch): Sql =>
  complies([
    ...(tags === undefined ? [] : [{ document: sql`t.tags`, ...complianceOf(tags) }]),
    ...(desired === undefined ? [] : [{ document: sql`t.desired`, ...complianceOf(desired) }]),
  ])

/** The maximum count when there is no time to count all. */
const cap = 10_000

/** The counts of a preview; either all or none of them are exact. */
type Counts = Pick<JobPreview, 'deviceCount' | 'connectedCount' | 'compliantCount' | 'fingerprint'>

/**
 * Counts all matching devices, or the first ones that PostgreSQL finds; undefined when there is no time for that
 * either.
 */
export async function countMatches(
  db: BoundedReads,
  scope: Scope,
  condition: DeviceCondition,
  patch: TwinPatch | undefined,
): Promise<Counts | undefined> {
  const all = await db.boundedRead(1_000, (reader) => readMatches(reader, scope, condition, { patch }))
  const some =
    all ?? (await db.boundedRead(300, (reader) => readMatches(reader, scope, condition, { patch, limit: cap })))
  if (some === undefined) return undefined
  const count = (value: number): PreviewCount => ({ value, precision: all === undefined ? 'atLeast' : 'exact' })
  return {
    deviceCount: count(some.deviceCount),
    connectedCount: count(some.connectedCount),
    compliantCount: patch === undefined ? null : count(some.compliantCount),
    fingerprint: all?.fingerprint ?? null,
  }
}

/**
 * The ids of the first devices in the scope that meet a condition; an empty list when there is no time to find them.
 */
export async function findFirstIds(
  db: BoundedReads,
  scope: Scope,
  condition: DeviceCondition,
  limit: number,
): Promise<string[]> {
  const rows = await db.boundedRead(200, (reader) =>
    reader.query<{ id: string }>(
      sql`select d.id ${devicesWhere(reader, scope, condition)} order by d.id limit ${limit}`,
    ),
  )
  return (rows ?? []).map(({ id }) => id)
}

/**
 * Up to 20 jobs of a type among the last 200 that ended and that a viewer with this scope sees whole; only those that
 * ended by themselves.
 */
export async function findPastJobs(db: BoundedReads, scope: Scope, type: JobType): Promise<PastJob[]> {
  const rows = await db.boundedRead(200, (reader) =>
    reader.query<PastJob>(
      sql`select succeeded_count + failed_count as "deviceCount",
                 extract(epoch from end_time - started_time)::float8 as seconds
          from (
            select * from job where ${jobEnd} < 'infinity' and ${ownJob(scope)} order by ${jobEnd} desc limit 200
          ) latest
          where type = ${type} and status = 'completed' and started_time is not null
          order by end_time desc
          limit 20`,
    ),
  )
  return rows ?? []
}
