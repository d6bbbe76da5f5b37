import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import type { Reader } from '../../database/reader.ts'
import { selectColumns } from '../../database/select-columns.ts'
import { createStatementNames } from '../../database/statement-names.ts'
import { isEverything, type Scope } from '../../scope.ts'
import type { AbortBase, RuleCounts } from '../abort-rules.ts'
import type { Budget } from '../budget.ts'
import type { Naming } from '../naming.ts'
import type { JobOverlapPolicy } from '../on-overlap.ts'
import type { StoredRamp } from '../ramp.ts'
import type { JobType } from '../request.ts'
import type { RetrySelection } from '../retry.ts'
import type { JobRollout } from '../rollout.ts'
import type { JobOutcome, JobStatus } from '../state.ts'
import type { DeviceJobStatistics } from '../statistics.ts'
import type { JobTargets } from '../targets.ts'
import { jobEnd } from './job-end.ts'
import { ownJob } from './own-jobs.ts'

/** Which jobs; all given members must match. */
export type JobSelection = {
  readonly types?: readonly JobType[] | undefined
  readonly statuses?: readonly JobStatus[] | undefined
  readonly outcomes?: readonly JobOutcome[] | undefined
  /** Whether the job as a whole failed, or a device failed or refused. */
  readonly hasFailures?: boolean | undefined
  readonly methodNames?: readonly string[] | undefined
  /** The names of the persons or policies that scheduled the job. */
  readonly createdBy?: readonly string[] | undefined
  /** Of each of these labels, the job has one of the values, or any value. */
  readonly labels?: readonly LabelSelection[] | undefined
  /** Part of the id, the name, the condition or the name of the method, in any case. */
  readonly text?: string | undefined
  /** Scheduled at that time or later. */
  readonly from?: Date | undefined
  /** Scheduled before that time. */
  readonly to?: Date | undefined
  readonly idPrefix?: string | undefined
}

/** A label with one of these values; with any value when they are left out. */
export type LabelSelection = { readonly name: string; readonly values: readonly string[] | undefined }

/** By the time of scheduling or of the end, and by id within one millisecond; or by id. Open jobs count as ended last. */
export type JobOrder = { readonly field: 'createdTime' | 'endTime' | 'jobId'; readonly direction: 'asc' | 'desc' }

/** The place of a job in an order. The time is that of the order: null for an open job in the order of ends. */
export type JobPlace = { readonly id: string; readonly time: Date | null }

/** At most `limit` jobs beyond `cursor`. */
export type JobListPage = { readonly cursor: JobPlace | undefined; readonly limit: number }

/** A job with the columns that clients select. A row has those that were requested, its id and its key. */
export type SelectedJob = DeviceJobStatistics &
  Naming &
  Budget & {
    readonly id: string
    readonly key: string
    /** Devices per minute, with a ramp those that it has reached; null for no limit. */
    readonly perMinute: number | null
    readonly storedRamp: StoredRamp | null
    readonly maxConcurrent: number | null
    readonly type: JobType
    readonly status: JobStatus
    readonly queryCondition: string
    readonly createdTime: Date
    readonly startTime: Date
    readonly startedTime: Date | null
    readonly endTime: Date | null
    readonly maxExecutionTimeSeconds: number
    readonly deadline: Date
    readonly failureReason: string | null
    readonly statusMessage: string | null
    readonly version: number
    readonly maxDevices: number | null
    readonly skipCompliant: boolean
    readonly matchedCount: number | null
    readonly retryOfKey: string | null
    readonly retrySelection: RetrySelection | null
    readonly familyKey: string | null
    readonly createdBy: string | null
    readonly rollout: JobRollout | null
    /** The counters from which the abort rules count; null for zero. */
    readonly judgedFrom: AbortBase | null
    /** The counts of single error codes and response statuses for abort rules; null without such rules. */
    readonly ruleCounts: RuleCounts | null
    /** The place of the abort rule that holds the job or cancelled it. */
    readonly crossedRule: number | null
    /** The number of the last open wave; null without waves, and before the start. */
    readonly openWave: number | null
    /** Null for those at the start. */
    readonly targets: Exclude<JobTargets, 'atStart'> | null
    /** Null for a job that starts whatever other jobs have its devices. */
    readonly onOverlap: Exclude<JobOverlapPolicy, 'parallel'> | null
    /** The key of the job that had some of its devices when it should start. */
    readonly waitsForKey: string | null
    /** When the devices of a job that selects them at its creation were selected; null for other jobs. */
    readonly selectedTime: Date | null
    /** The parts of the scope under which it was scheduled. Read for viewers with a scope only. */
    readonly scope?: readonly string[] | null
  }

const columns: Readonly<Record<keyof SelectedJob, string>> = {
  id: 'id',
  key: 'key',
  type: 'type',
  status: 'status',
  queryCondition: 'query_condition',
  createdTime: 'created_time',
  startTime: 'start_time',
  startedTime: 'started_time',
  endTime: 'end_time',
  maxExecutionTimeSeconds: 'max_execution_time_seconds',
  deadline: 'deadline',
  failureReason: 'failure_reason',
  statusMessage: 'status_message',
  deviceCount: 'device_count',
  pendingCount: 'pending_count',
  runningCount: 'running_count',
  succeededCount: 'succeeded_count',
  refusedCount: 'refused_count',
  skippedCount: 'skipped_count',
  failedCount: 'failed_count',
  cancelledCount: 'canceled_count',
  version: 'version',
  maxDevices: 'max_devices',
  skipCompliant: 'skip_compliant',
  matchedCount: 'matched_count',
  retryOfKey: 'retry_of',
  retrySelection: 'retry_selection',
  familyKey: 'family_key',
  createdBy: 'created_by',
  name: 'name',
  description: 'description',
  labels: 'labels',
  rollout: 'rollout',
  judgedFrom: 'judged_from',
  ruleCounts: 'rule_counts',
  crossedRule: 'crossed_rule',
  openWave: 'open_wave',
  targets: 'targets',
  onOverlap: 'on_overlap',
  waitsForKey: 'waits_for',
  selectedTime: 'selected_time',
  perMinute: 'max_per_minute',
  storedRamp: 'ramp',
  maxConcurrent: 'max_concurrent',
  budgetGroupBy: 'budget_group_by',
  budgetMaxConcurrent: 'budget_max_concurrent',
  scope: 'scope',
}

/**
 * The lists of columns. A viewer with a scope may see a job only in part, which depends on the scope of the job and on
 * its end; then its devices are counted, by its key.
 */
const selectionOf = (...always: readonly (keyof SelectedJob)[]) => {
  const whole = selectColumns<SelectedJob>('job', columns, always)
  const scoped = selectColumns<SelectedJob>('job', columns, [...always, 'key', 'scope', 'endTime'])
  return (scope: Scope, asked: readonly string[]): Sql => (isEverything(scope) ? whole(asked) : scoped(asked))
}

const selectJob = selectionOf('id', 'key')
/** With the place of a job in its order, which is in cursors. */
const selectListed = selectionOf('id', 'createdTime')
const selectByEnd = selectionOf('id', 'createdTime', 'endTime')

/** Programs and the console select the same fields again and again. */
const nameOf = createStatementNames('select-jobs', 64)

const queryJobs = (db: Reader, statement: Sql): Promise<SelectedJob[]> =>
  db.query<SelectedJob>(statement, nameOf(statement.text))

const isAmong = (column: Sql, values: readonly string[]): Sql =>
  // A list of values: with `= any(…)` the planner does not know that a single value keeps the order of an index.
  values.length === 0 ? sql`false` : sql`${column} in (${join([...new Set(values)])})`

/** The rule of `jobOutcome` (job/state.ts) in SQL, for ended jobs; a test compares the two. */
const outcomeConditions: Readonly<Record<JobOutcome, Sql>> = {
  cancelled: sql`(status = 'cancelled' and end_time is not null
    or status = 'completed' and device_count > 0 and device_count = canceled_count)`,
  failed: sql`(status = 'failed' or status = 'completed' and device_count > canceled_count and succeeded_count = refused_count)`,
  noDevices: sql`(status = 'completed' and device_count = 0)`,
  partiallyFailed: sql`(status = 'completed' and succeeded_count > refused_count and failed_count + refused_count > 0)`,
  succeeded: sql`(status = 'completed' and device_count > canceled_count and failed_count + refused_count = 0)`,
}

const failures = sql`(status = 'failed' or failed_count + refused_count > 0)`

const hasOneOf = (outcomes: readonly JobOutcome[]): Sql =>
  outcomes.length === 0
    ? sql`false`
    : sql`(${join(
        [...new Set(outcomes)].map((outcome) => outcomeConditions[outcome]),
        ' or ',
      )})`

/**
 * The counters of a foreign job count devices that the viewer may not see. So the job does not meet a condition on
 * them, unless it is in one of the statuses for which the condition does not depend on them.
 */
const counted = (scope: Scope, condition: Sql, independent: readonly JobStatus[]): Sql =>
  isEverything(scope) ? condition : sql`(${condition} and (${isAmong(sql`status`, independent)} or ${ownJob(scope)}))`

/** A pattern for LIKE that finds the text anywhere. */
const anywhere = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`

/** An index can answer it. */
const hasLabel = ({ name, values }: LabelSelection): Sql => {
  if (values === undefined) return sql`labels ? ${name}`
  // No label has U+0000, which jsonb cannot hold.
  const possible = values.filter((value) => !value.includes('\0'))
  return possible.length === 0
    ? sql`false`
    : sql`(${join(
        [...new Set(possible)].map((value) => sql`labels @> jsonb_build_object(${name}::text, ${value}::text)`),
        ' or ',
      )})`
}

/** The selection as a condition. */
function selected(scope: Scope, selection: JobSelection): Sql {
  const { types, statuses, outcomes, hasFailures, methodNames, createdBy, labels, text, from, to, idPrefix } = selection
  const conditions = [
    ...(types === undefined ? [] : [isAmong(sql`type`, types)]),
    ...(statuses === undefined ? [] : [isAmong(sql`status`, statuses)]),
    ...(outcomes === undefined ? [] : [counted(scope, hasOneOf(outcomes), ['failed', 'cancelled'])]),
    ...(hasFailures === undefined ? [] : [counted(scope, hasFailures ? failures : sql`not ${failures}`, ['failed'])]),
    ...(methodNames === undefined ? [] : [isAmong(sql`request ->> 'methodName'`, methodNames)]),
    ...(createdBy === undefined ? [] : [isAmong(sql`created_by`, createdBy)]),
    ...(labels ?? []).map(hasLabel),
    ...(text === undefined
      ? []
      : [
          sql`(id ilike ${anywhere(text)} or name ilike ${anywhere(text)} or query_condition ilike ${anywhere(text)}
               or request ->> 'methodName' ilike ${anywhere(text)})`,
        ]),
    ...(from === undefined ? [] : [sql`created_time >= ${from}`]),
    ...(to === undefined ? [] : [sql`created_time < ${to}`]),
    // A range instead of LIKE, because an index can answer it: ids are letters, digits and dashes, all of which sort
    // before ~.
    ...(idPrefix === undefined ? [] : [sql`id >= ${idPrefix} and id < ${`${idPrefix}~`}`]),
  ]
  return conditions.length === 0 ? sql`true` : join(conditions, ' and ')
}

/**
 * A page of the selected jobs, with the requested columns. A selection that few jobs match reads all jobs. That
 * includes a single status, although it has an index in the order of time: while the statistics of the table are old,
 * PostgreSQL may prefer to walk all jobs in that order and to drop those of other statuses.
 */
export const findJobs = (
  db: BoundedReader,
  scope: Scope,
  asked: readonly string[],
  selection: JobSelection,
  order: JobOrder,
  page: JobListPage,
): Promise<SelectedJob[]> => queryJobs(db, pageOf(scope, asked, selected(scope, selection), order, page))

/** A page of all jobs, with the requested columns. All orders have an index, so it reads no more than the page. */
export const findAllJobs = (
  db: Reader,
  scope: Scope,
  asked: readonly string[],
  order: JobOrder,
  page: JobListPage,
): Promise<SelectedJob[]> => queryJobs(db, pageOf(scope, asked, sql`true`, order, page))

function pageOf(
  scope: Scope,
  asked: readonly string[],
  condition: Sql,
  { field, direction }: JobOrder,
  { cursor, limit }: JobListPage,
): Sql {
  const ascending = direction === 'asc'
  const keys = orderKeys[field]
  const values = cursor && (field === 'jobId' ? [cursor.id] : [cursor.time ?? 'infinity', cursor.id])
  const beyond =
    values === undefined ? sql`true` : sql`(${join(keys)}) ${ascending ? sql`>` : sql`<`} (${join(values)})`
  const order = join(keys.map((key) => directed(key, ascending)))
  const list = field === 'endTime' ? selectByEnd : selectListed
  return sql`select ${list(scope, asked)} from job where ${condition} and ${beyond} order by ${order} limit ${limit}`
}

/** What jobs are ordered by. Each has an index. */
const orderKeys: Readonly<Record<JobOrder['field'], readonly Sql[]>> = {
  createdTime: [sql`created_time`, sql`id`],
  endTime: [jobEnd, sql`id`],
  jobId: [sql`id`],
}

const directed = (column: Sql, ascending: boolean): Sql => (ascending ? column : sql`${column} desc`)

/** A job, and whether it is selected. */
export type MaybeSelectedJob = SelectedJob & { readonly isSelected: boolean }

/** The job with this id: one row by its key, however many jobs there are. */
export async function findWhetherSelected(
  db: Reader,
  scope: Scope,
  asked: readonly string[],
  selection: JobSelection,
  id: string,
): Promise<MaybeSelectedJob | undefined> {
  const [row] = await db.query<MaybeSelectedJob>(
    sql`select ${selectListed(scope, asked)}, coalesce(${selected(scope, selection)}, false) as "isSelected" from job
        where id = ${id}`,
  )
  return row
}

/** The jobs with these ids, in no particular order. */
export const findJobsById = (
  db: Reader,
  scope: Scope,
  ids: readonly string[],
  asked: readonly string[],
): Promise<SelectedJob[]> => queryJobs(db, sql`select ${selectJob(scope, asked)} from job where id = any(${ids})`)

/** The jobs with these keys, in no particular order. */
export const findJobsByKey = (
  db: Reader,
  scope: Scope,
  keys: readonly string[],
  asked: readonly string[],
): Promise<SelectedJob[]> =>
  queryJobs(db, sql`select ${selectJob(scope, asked)} from job where key = any(${keys}::bigint[])`)

/** How many jobs are selected. Reads all of them. */
export async function countJobs(db: BoundedReader, scope: Scope, selection: JobSelection): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    sql`select count(*)::integer as count from job where ${selected(scope, selection)}`,
  )
  return row?.count ?? 0
}
