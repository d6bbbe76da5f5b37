import { empty, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import { inScope, preparedName } from '../../database/in-scope.ts'
import type { Reader } from '../../database/reader.ts'
import { isEverything, type Scope } from '../../scope.ts'
import { hasVersion } from './facts.ts'
import { ownJob } from './own-jobs.ts'

/**
 * The place of a device job among the ended ones of its job, in the order in which they ended: the version that the job
 * had with it, then the device id. Device jobs without an outcome of their own end with their job, at its last version,
 * which no outcome has.
 */
export type EndedPlace = { readonly version: number; readonly deviceId: string }

/** A place of a page. Whether it is visible is read for foreign jobs only. */
type Found<Place> = Place & { readonly isVisible?: boolean }

const placeOf = ({ version, deviceId }: EndedPlace): EndedPlace => ({ version, deviceId })

/** Before all places. */
export const beforeAll: EndedPlace = { version: 0, deviceId: '' }

/**
 * Places in their order. `reached`: where the next read goes on, which may be after places that are not visible.
 * `more`: further ones exist already. `over`: there will never be further ones.
 */
export type EndedPlaces = {
  readonly places: readonly EndedPlace[]
  readonly reached: EndedPlace
  readonly more: boolean
  readonly over: boolean
}

/** The key, which distinguishes a job from an earlier one with the same id, and the job's current version. */
export async function findJobKey(
  db: Reader,
  jobId: string,
): Promise<{ readonly jobKey: string; readonly version: number } | undefined> {
  const [row] = await db.query<{ jobKey: string; version: number }>(
    sql`select key as "jobKey", version from job where id = ${jobId}`,
    'find-job-key',
  )
  return row
}

/**
 * The device jobs of this job that are visible in the scope, among the first `limit` that ended after `after`.
 * Undefined when the job no longer exists. A reader that knows a place never finds a new one before it: versions are
 * assigned under the lock on the job's row. For a large ended job this counts all failures, and may go through all
 * devices to find those without an outcome.
 */
export async function findEndedPlaces(
  db: BoundedReader,
  scope: Scope,
  jobKey: string,
  after: EndedPlace,
  limit: number,
): Promise<EndedPlaces | undefined> {
  // Before the outcomes: if the job has ended at this point, a page that is not full is the last one.
  const [job] = await db.query<{ version: number; ended: boolean; hasOthers: boolean; own?: boolean }>(
    sql`select version, end_time is not null as ended,
               end_time is not null and failed_count + canceled_count > (
                 select count(*) from device_job_outcome where job_key = ${jobKey}::bigint and error_code is not null
               ) as "hasOthers"${isEverything(scope) ? empty : sql`, ${ownJob(scope)} as own`}
        from job
        where key = ${jobKey}::bigint`,
    preparedName(scope, 'find-ended-job'),
  )
  if (job === undefined) return undefined
  const isForeign = job.own === false
  // The page is found first, so that a read costs the same however few of its places are visible.
  const marked = (page: Sql, order: Sql): Sql =>
    isForeign
      ? sql`select page.*, (true${inScope(scope, sql`page."deviceId"`)}) as "isVisible" from (${page}) page order by ${order}`
      : page
  const found = (
    rows: readonly Found<EndedPlace>[],
    { more, over }: Pick<EndedPlaces, 'more' | 'over'>,
  ): EndedPlaces => ({
    places: rows.filter(({ isVisible = true }) => isVisible).map(placeOf),
    reached: placeOf(rows.at(-1) ?? after),
    more,
    over,
  })
  const outcomes = await db.query<Found<EndedPlace>>(
    // Two conditions on the version, because the index has no device ids: it finds the first row by the first
    // condition.
    marked(
      sql`select version, device_id as "deviceId" from device_job_outcome o
        where job_key = ${jobKey}::bigint and ${hasVersion(sql`o`)} and version >= ${after.version}
          and (version > ${after.version} or device_id > ${after.deviceId})
        order by version, device_id
        limit ${limit}`,
      sql`page.version, page."deviceId"`,
    ),
    isForeign ? undefined : 'find-ended-places',
  )
  const isFull = outcomes.length === limit
  if (isFull || !job.ended) return found(outcomes, { more: isFull, over: false })
  if (!job.hasOthers) return found(outcomes, { more: false, over: true })
  if (outcomes.length > 0) return found(outcomes, { more: true, over: false })

  const others = await db.query<Found<Pick<EndedPlace, 'deviceId'>>>(
    marked(
      sql`select device_id as "deviceId" from device_job target
        where job_key = ${jobKey}::bigint and device_id > ${after.version < job.version ? '' : after.deviceId}
          and not exists (
            select from device_job_outcome o where o.job_key = target.job_key and o.device_id = target.device_id
          )
        order by device_id
        limit ${limit}`,
      sql`page."deviceId"`,
    ),
    isForeign ? undefined : 'find-ended-others',
  )
  const isLast = others.length < limit
  return found(
    others.map((place) => ({ ...place, version: job.version })),
    { more: !isLast, over: isLast },
  )
}
