import { join, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import type { Reader } from '../../database/reader.ts'
import type { JobType } from '../request.ts'
import type { JobStatus } from '../state.ts'

/** Which jobs; all given members must match. */
export type JobSelection = {
  readonly types?: readonly JobType[] | undefined
  readonly statuses?: readonly JobStatus[] | undefined
  /** Scheduled at that time or later. */
  readonly from?: Date | undefined
  /** Scheduled before that time. */
  readonly to?: Date | undefined
  readonly idPrefix?: string | undefined
}

/** By the time of scheduling, and by id within one millisecond; or by id. */
export type JobOrder = { readonly field: 'createdTime' | 'jobId'; readonly direction: 'asc' | 'desc' }

/** At most `limit` jobs beyond `cursor`. Its time is needed in the order of time only. */
export type JobListPage = {
  readonly cursor: { readonly id: string; readonly createdTime: Date | undefined } | undefined
  readonly limit: number
}

/** A job in a list. At runtime it also has the requested columns. */
export type ListedJob = {
  readonly id: string
  readonly createdTime: Date
  readonly status: string
  readonly version: number
}

/** The columns that can be requested, by Prisma's names. */
const columns: ReadonlyMap<string, Sql> = new Map([
  ['id', sql`id`],
  ['key', sql`key`],
  ['type', sql`type`],
  ['status', sql`status`],
  ['queryCondition', sql`query_condition as "queryCondition"`],
  ['createdTime', sql`created_time as "createdTime"`],
  ['startTime', sql`start_time as "startTime"`],
  ['startedTime', sql`started_time as "startedTime"`],
  ['endTime', sql`end_time as "endTime"`],
  ['maxExecutionTimeSeconds', sql`max_execution_time_seconds as "maxExecutionTimeSeconds"`],
  ['deadline', sql`deadline`],
  ['failureReason', sql`failure_reason as "failureReason"`],
  ['statusMessage', sql`status_message as "statusMessage"`],
  ['deviceCount', sql`device_count as "deviceCount"`],
  ['pendingCount', sql`pending_count as "pendingCount"`],
  ['runningCount', sql`running_count as "runningCount"`],
  ['succeededCount', sql`succeeded_count as "succeededCount"`],
  ['failedCount', sql`failed_count as "failedCount"`],
  ['cancelledCount', sql`canceled_count as "cancelledCount"`],
  ['version', sql`version`],
  ['maxDevices', sql`max_devices as "maxDevices"`],
  ['retryOfKey', sql`retry_of as "retryOfKey"`],
  ['familyKey', sql`family_key as "familyKey"`],
])
/** Columns that may exceed a number; Prisma returns them as bigint. */
const keys = ['key', 'retryOfKey', 'familyKey']

const always = ['id', 'createdTime', 'status', 'version']

function columnsOf(asked: readonly string[]): Sql {
  const names = new Set([...always, ...asked])
  return join(
    [...names].map((name) => {
      const column = columns.get(name)
      if (column === undefined) throw new Error(`A list of jobs has no column "${name}".`)
      return column
    }),
  )
}

/** With keys in Prisma's form, because the resolvers of a job's fields expect it. */
function toListed(row: ListedJob): ListedJob {
  const big = Object.entries(row).flatMap(([name, value]) =>
    keys.includes(name) && typeof value === 'string' ? [[name, BigInt(value)] as const] : [],
  )
  return { ...row, ...Object.fromEntries(big) }
}

const isAmong = (column: Sql, values: readonly string[]): Sql =>
  // A list of values: with `= any(…)` the planner does not know that a single value keeps the order of an index.
  values.length === 0 ? sql`false` : sql`${column} in (${join([...new Set(values)])})`

/** The selection as a condition. */
function selected({ types, statuses, from, to, idPrefix }: JobSelection): Sql {
  const conditions = [
    ...(types === undefined ? [] : [isAmong(sql`type`, types)]),
    ...(statuses === undefined ? [] : [isAmong(sql`status`, statuses)]),
    ...(from === undefined ? [] : [sql`created_time >= ${from}`]),
    ...(to === undefined ? [] : [sql`created_time < ${to}`]),
    // A range instead of LIKE, because an index can answer it: ids are letters, digits and dashes, all of which sort
    // before ~.
    ...(idPrefix === undefined ? [] : [sql`id >= ${idPrefix} and id < ${`${idPrefix}~`}`]),
  ]
  return conditions.length === 0 ? sql`true` : join(conditions, ' and ')
}

/** A page of the selected jobs, with the requested columns. A selection that few jobs match reads all jobs. */
export async function findJobs(
  db: BoundedReader,
  asked: readonly string[],
  selection: JobSelection,
  { field, direction }: JobOrder,
  { cursor, limit }: JobListPage,
): Promise<readonly ListedJob[]> {
  const ascending = direction === 'asc'
  const place = field === 'jobId' ? sql`id` : sql`created_time, id`
  const beyond =
    cursor === undefined
      ? sql`true`
      : sql`(${place}) ${ascending ? sql`>` : sql`<`} (${field === 'jobId' ? cursor.id : sql`${cursor.createdTime}, ${cursor.id}`})`
  const order =
    field === 'jobId'
      ? directed(sql`id`, ascending)
      : sql`${directed(sql`created_time`, ascending)}, ${directed(sql`id`, ascending)}`
  const rows = await db.query<ListedJob>(
    sql`select ${columnsOf(asked)} from job where ${selected(selection)} and ${beyond} order by ${order} limit ${limit}`,
  )
  return rows.map(toListed)
}

const directed = (column: Sql, ascending: boolean): Sql => (ascending ? column : sql`${column} desc`)

/** The job with this id if it is selected: one row by its key, however many jobs there are. */
export async function findSelectedJob(
  db: Reader,
  asked: readonly string[],
  selection: JobSelection,
  id: string,
): Promise<ListedJob | undefined> {
  const [row] = await db.query<ListedJob>(
    sql`select ${columnsOf(asked)} from job where id = ${id} and ${selected(selection)}`,
  )
  return row && toListed(row)
}

/** How many jobs are selected. Reads all of them. */
export async function countJobs(db: BoundedReader, selection: JobSelection): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    sql`select count(*)::integer as count from job where ${selected(selection)}`,
  )
  return row?.count ?? 0
}
