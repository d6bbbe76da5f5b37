import { empty, join, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import { meetsCondition } from '../../database/meets-condition.ts'
import type { Scope } from '../../scope.ts'
import type { DeviceCondition } from '../../sql-fragment.ts'
import { type DeviceJobResult, type DeviceJobStatus, firstFailureStatus, type ShownDeviceJobStatus } from '../state.ts'
import { cancelledCode, type DeviceJobView, facts, failureStatus, type Page, timeUp, view } from './device-jobs.ts'
import { hasOutcome, hasVersion, isDispatched, isSkipped, target } from './facts.ts'
import { visible } from './own-jobs.ts'

/** Which device jobs of a job; all given members must match. `condition` is over `d` (device) and `t` (twin). */
export type DeviceJobSelection = {
  readonly statuses?: readonly ShownDeviceJobStatus[] | undefined
  readonly results?: readonly DeviceJobResult[] | undefined
  readonly errorCodes?: readonly string[] | undefined
  readonly responseStatuses?: readonly number[] | undefined
  readonly skipped?: boolean | undefined
  readonly condition?: DeviceCondition | undefined
}

/**
 * By device id, or by end: first device jobs with an outcome of their own, in the order in which the outcomes were
 * written and by device id within a batch; then the others by device id, which have not ended, or ended all at once
 * with their job.
 *
 * Outcomes are ordered by their version and not by their time. Versions follow the commits, so in ascending order
 * nothing ever appears before a cursor; the clocks of several instances differ; and versions have an index.
 */
export type DeviceJobOrder = { readonly field: 'deviceId' | 'endTime'; readonly direction: 'asc' | 'desc' }

/** The place of a device job in either order. */
export type DeviceJobListPlace = Pick<DeviceJobView, 'deviceId' | 'version'>

// Sources
//
// The device jobs of `job` come from three sources that exclude each other. In each of them a filter is a condition on
// one table, which the planner can judge. Of the status, which three tables decide, it would guess that it meets next to
// nothing, and read all facts of a job for every page.

/** Rows `target` of one table, and further conditions on them. */
export type Source = { readonly table: Sql; readonly where: readonly Sql[]; readonly version: Sql }

const noVersion = sql`null::integer`

/** Device jobs with an outcome. */
export const ended = (...where: Sql[]): Source => ({
  table: sql`device_job_outcome`,
  where,
  version: sql`target.version`,
})

/** Device jobs with a sent call and no outcome. */
export const called = (...where: Sql[]): Source => ({
  table: sql`device_job_dispatch`,
  where: [...where, sql`not ${hasOutcome(target)}`],
  version: noVersion,
})

/** Device jobs with neither a call nor an outcome. */
export const neverCalled = (...where: Sql[]): Source => ({
  table: sql`device_job`,
  where: [...where, sql`not ${isDispatched(target)}`, sql`not ${hasOutcome(target)}`],
  version: noVersion,
})

/** The status that device jobs with a result have. */
const statusOf: Readonly<Record<DeviceJobResult, DeviceJobStatus>> = {
  pending: 'pending',
  running: 'running',
  succeeded: 'completed',
  refused: 'completed',
  failed: 'failed',
  cancelled: 'canceled',
}

const all: Source = { table: sql`device_job`, where: [], version: noVersion }

/** The rows of a source: `job_key`, `device_id` and `version`. */
export const rowsOf = ({ table, where, version }: Source, beyond: Sql = empty, page: Sql = empty): Sql =>
  sql`(select target.job_key, target.device_id, ${version} as version
       from ${table} target
       where ${join([sql`target.job_key = job.key`, ...where], ' and ')} ${beyond} ${page})`

/** How many outcomes of `job` are failures: few of many, by an index of their own. */
export const failedOutcomes = sql`(
  select count(*)::integer from device_job_outcome failed
  where failed.job_key = job.key and failed.error_code is not null and failed.error_code <> ${cancelledCode})`

/** Whether device jobs failed with `job`, without an outcome: its counter has more failures than there are outcomes. */
export const failedWithJob = sql`(job.end_time is not null and job.failed_count > ${failedOutcomes})`

/**
 * Whether the device of `target` meets a condition. One that has been deleted meets no condition. Nor does one outside the
 * scope, also in an own job: the condition would tell what its twin is.
 */
export const isMet = (db: BoundedReader, scope: Scope, condition: DeviceCondition): Sql => sql`exists (
  select from device d join twin t on t.device_id = d.id
  where d.id = target.device_id and ${meetsCondition(db, scope, condition)}
)`

/** Whether the device of `target` was called before, and waits for another attempt. */
const wasRepeated = sql`case when job.rollout ? 'retry' then exists (
  select from device_job_attempt earlier
  where earlier.job_key = target.job_key and earlier.device_id = target.device_id
) else false end`

/**
 * The sources of a selection, as far as a viewer with the scope sees them. Each checks the counters first, so that
 * nothing is searched in vain.
 */
function sourcesOf(
  db: BoundedReader,
  scope: Scope,
  { statuses, results, errorCodes, responseStatuses, skipped, condition }: DeviceJobSelection,
) {
  const hasStatus = (status: ShownDeviceJobStatus): boolean => statuses?.includes(status) ?? true
  const wants = (status: DeviceJobStatus): boolean =>
    (hasStatus(status) || (status === 'pending' && hasStatus('retrying'))) &&
    (results?.some((result) => statusOf[result] === status) ?? true) &&
    (skipped !== true || status === 'completed')
  const wantsFailedWithJob = wants('failed') && responseStatuses === undefined && (errorCodes?.includes(timeUp) ?? true)
  /** A status other than completed and failed; such device jobs have no error and no answer. */
  const wantsOther = (status: DeviceJobStatus): boolean =>
    wants(status) && errorCodes === undefined && responseStatuses === undefined

  const wantsCancelled = wantsOther('canceled')
  const wantsOutcome = wants('completed') || wants('failed') || wantsCancelled

  const outcomes: Sql[] = []
  if (!wants('completed')) outcomes.push(sql`target.error_code is not null`)
  if (!wants('failed')) {
    outcomes.push(
      !wants('completed')
        ? sql`target.error_code = ${cancelledCode}`
        : wantsCancelled
          ? sql`(target.error_code is null or target.error_code = ${cancelledCode})`
          : sql`target.error_code is null`,
    )
  } else if (!wantsCancelled) outcomes.push(sql`target.error_code is distinct from ${cancelledCode}`)
  const wantsResult = (result: DeviceJobResult): boolean => results?.includes(result) ?? true
  if (wants('completed') && !wantsResult('succeeded')) {
    // The condition of the index of failures, literally.
    outcomes.push(sql`(target.error_code is not null or target.response_status >= ${failureStatus})`)
  }
  if (wants('completed') && !wantsResult('refused')) {
    outcomes.push(sql`(target.error_code is not null or coalesce(target.response_status < ${failureStatus}, true))`)
  }
  // Repeats the condition of the index of failures literally, because the planner does not derive it.
  if (errorCodes !== undefined) {
    outcomes.push(sql`target.error_code = any(${errorCodes}::text[])`, sql`target.error_code is not null`)
  }
  if (skipped !== undefined) outcomes.push(skipped ? isSkipped(target) : sql`not ${isSkipped(target)}`)
  if (responseStatuses !== undefined) {
    outcomes.push(sql`target.response_status = any(${responseStatuses}::integer[])`)
    if (responseStatuses.every((status) => status >= firstFailureStatus)) {
      outcomes.push(sql`target.response_status >= ${failureStatus}`)
    }
  }
  const isWaiting =
    hasStatus('pending') === hasStatus('retrying')
      ? []
      : [
          sql`(job.end_time is not null or job.status = 'cancelled' or ${wasRepeated} = ${hasStatus('retrying')}::boolean)`,
        ]
  const underWay = sql`case
      when job.end_time is null then ${wantsOther('running')} and job.running_count > 0
      else ${wantsFailedWithJob} and ${failedWithJob} end`
  const waiting = sql`case
      when job.status = 'cancelled' then ${wantsOther('canceled')} and job.canceled_count > 0
      when job.end_time is null then ${wantsOther('pending')} and job.pending_count > 0
      else ${wantsFailedWithJob} and ${failedWithJob} end`
  const met = condition === undefined ? visible(scope) : [...visible(scope), isMet(db, scope, condition)]
  return {
    ended: wantsOutcome ? [ended(...outcomes, ...met)] : [],
    others: [
      ...(wantsFailedWithJob || wantsOther('running') ? [called(underWay, ...met)] : []),
      ...(wantsFailedWithJob || wantsOther('pending') || wantsOther('canceled')
        ? [neverCalled(waiting, ...isWaiting, ...met)]
        : []),
    ],
    /** All sources in one, where no condition concerns the facts. */
    whole:
      statuses === undefined &&
      results === undefined &&
      errorCodes === undefined &&
      responseStatuses === undefined &&
      skipped === undefined
        ? [{ ...all, where: met }]
        : undefined,
  }
}

// Lists

const union = (sources: readonly Sql[]): Sql => join(sources, ' union all ')

/**
 * The same page of the selected device jobs of one or several jobs, as far as they are visible in the scope: at most
 * `limit` rows of each, in the page's direction.
 */
export async function findDeviceJobs(
  db: BoundedReader,
  scope: Scope,
  jobIds: string | readonly string[],
  selection: DeviceJobSelection,
  order: DeviceJobOrder,
  page: Page<DeviceJobListPlace>,
): Promise<DeviceJobView[]> {
  const ascending = (order.direction === 'asc') === page.forward
  const rows =
    order.field === 'deviceId'
      ? byDeviceId(db, scope, selection, ascending, page)
      : byEnd(db, scope, selection, ascending, page)
  if (rows === undefined) return []
  const place = order.field === 'deviceId' ? deviceIdIn(ascending) : endIn(ascending)
  return await db.query<DeviceJobView>(
    sql`select ${view}
        from job cross join lateral (${rows}) target ${facts()}
        where job.id = any(${[jobIds].flat()})
        order by ${place}`,
  )
}

type Wanted = Pick<Page<DeviceJobListPlace>, 'cursor' | 'limit'>

const deviceIdIn = (ascending: boolean): Sql => (ascending ? sql`target.device_id` : sql`target.device_id desc`)

const endIn = (ascending: boolean): Sql =>
  ascending
    ? sql`target.version nulls last, target.device_id`
    : sql`target.version desc nulls first, target.device_id desc`

const deviceIdBeyond = (deviceId: string, ascending: boolean): Sql =>
  ascending ? sql`and target.device_id > ${deviceId}` : sql`and target.device_id < ${deviceId}`

function byDeviceId(
  db: BoundedReader,
  scope: Scope,
  selection: DeviceJobSelection,
  ascending: boolean,
  { cursor, limit }: Wanted,
): Sql | undefined {
  const { ended, others, whole } = sourcesOf(db, scope, selection)
  const sources = whole ?? [...ended, ...others]
  if (sources.length === 0) return undefined
  const beyond = cursor === undefined ? empty : deviceIdBeyond(cursor.deviceId, ascending)
  const page = sql`order by ${deviceIdIn(ascending)} limit ${limit}`
  const pages = sources.map((source) => rowsOf(source, beyond, page))
  return sql`select * from (${union(pages)}) target ${page}`
}

type Part = { readonly rows: readonly Source[]; readonly order: Sql }

/** Outcomes and others follow each other: the second part is read only when the first does not fill the page. */
function byEnd(
  db: BoundedReader,
  scope: Scope,
  selection: DeviceJobSelection,
  ascending: boolean,
  { cursor, limit }: Wanted,
): Sql | undefined {
  const sources = sourcesOf(db, scope, selection)
  const end: Part = {
    rows: sources.ended.map((source) => ({ ...source, where: [...source.where, hasVersion(target)] })),
    order: endIn(ascending),
  }
  const other: Part = { rows: sources.others, order: deviceIdIn(ascending) }
  const [first, second] = ascending ? [end, other] : [other, end]
  const isPast = cursor !== undefined && (cursor.version === null) === ascending
  const beyond = cursor === undefined ? empty : endBeyond(cursor, ascending)
  const page = ({ rows, order }: Part, narrow: Sql): Sql[] =>
    rows.map((source) => rowsOf(source, narrow, sql`order by ${order} limit ${limit}`))

  const whole = sql`order by ${endIn(ascending)} limit ${limit}`
  const nearest = isPast ? [] : page(first, beyond)
  if (nearest.length === 0) {
    const rows = page(second, isPast ? beyond : empty)
    return rows.length === 0 ? undefined : sql`select * from (${union(rows)}) target ${whole}`
  }
  const following = page(second, sql`and (select count(*) from nearest) < ${limit}`)
  return sql`
    with nearest as materialized (select * from (${union(nearest)}) target ${whole})
    select * from (${union([sql`(select * from nearest)`, ...following])}) target ${whole}`
}

function endBeyond({ version, deviceId }: DeviceJobListPlace, ascending: boolean): Sql {
  const within = deviceIdBeyond(deviceId, ascending)
  if (version === null) return within
  // As two conditions: the index contains versions only.
  return ascending
    ? sql`and target.version >= ${version} and (target.version > ${version} or (true ${within}))`
    : sql`and target.version <= ${version} and (target.version < ${version} or (true ${within}))`
}

/** How many device jobs of each of these jobs are selected and visible in the scope. Reads all of them. */
export async function countDeviceJobs(
  db: BoundedReader,
  scope: Scope,
  jobIds: readonly string[],
  selection: DeviceJobSelection,
): Promise<{ readonly jobId: string; readonly count: number }[]> {
  const { ended, others, whole } = sourcesOf(db, scope, selection)
  const sources = whole ?? [...ended, ...others]
  if (sources.length === 0) return []
  const counts = sources.map((source) => sql`(select count(*) from ${rowsOf(source)} counted)`)
  return await db.query<{ jobId: string; count: number }>(
    sql`select job.id as "jobId", (${join(counts, ' + ')})::integer as count from job where job.id = any(${jobIds})`,
  )
}
