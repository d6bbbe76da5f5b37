import { empty, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from '../../database/bounded-read.ts'
import type { Reader, Tx } from '../../database/reader.ts'
import { bytesOf, type WithBytes } from '../../database/within-bytes.ts'
import type { MethodCall } from '../../method/check-call.ts'
import type { TwinPatch } from '../../twin/check-patch.ts'
import { initialCounts } from '../abort-rules.ts'
import type { By } from '../history.ts'
import type { JobLimits } from '../job-limits.ts'
import type { Naming } from '../naming.ts'
import type { JobOverlapPolicy } from '../on-overlap.ts'
import { storedRamp } from '../ramp.ts'
import type { JobType } from '../request.ts'
import type { Retry } from '../retry.ts'
import type { RetryPolicy } from '../retry-policy.ts'
import type { JobRollout } from '../rollout.ts'
import { type JobStatus, jobTransitions } from '../state.ts'
import type { DeviceJobStatistics } from '../statistics.ts'
import type { JobTargets } from '../targets.ts'
import { longestCallOf, type TimeWindow } from '../time-window.ts'
import type { Wave } from '../waves.ts'
import { isOpenNow } from './facts.ts'
import { noteMoved } from './history.ts'

/** The operation of a job, as stored in its row after the checks of `job/request.ts`. */
export type JobOperation =
  | { readonly type: 'scheduleDeviceMethod'; readonly request: MethodCall }
  | { readonly type: 'scheduleUpdateTwin'; readonly request: TwinPatch }

/** Milliseconds that a call of a job may take. */
export const longestCallIn = (job: JobOperation): number =>
  longestCallOf(job.type === 'scheduleDeviceMethod' ? job.request : undefined)

/** A job's row, as far as the commands and the scheduler read it. */
export type JobRow = JobOperation &
  Naming &
  JobLimits & {
    readonly id: string
    readonly status: JobStatus
    readonly queryCondition: string
    readonly createdTime: Date
    readonly startTime: Date
    readonly startedTime: Date | null
    readonly maxExecutionTimeSeconds: number
    readonly deadline: Date
    readonly targets: JobTargets
    readonly onOverlap: JobOverlapPolicy
    /** When the devices of a job that selects them at its creation were selected; null for other jobs. */
    readonly selectedTime: Date | null
    /** Maximum number of devices when they are selected; null for no maximum. */
    readonly maxDevices: number | null
    /** Whether a twin update skips the devices whose twins it would not change. */
    readonly skipCompliant: boolean
    /** The waves; null for a job without. */
    readonly waves: readonly Wave[] | null
    /** When its devices may have their turn; null for at any time. */
    readonly window: TimeWindow | null
    /** When its calls are repeated; null when they are not. */
    readonly retryPolicy: RetryPolicy | null
    readonly version: number
    /** The source and selection of a retry; null for other jobs. */
    readonly retry: Retry | null
    /** The parts of the scope under which it was scheduled; null for every device. */
    readonly scope: readonly string[] | null
  }

const maxPerMinute = sql`coalesce((ramp ->> 'maxPerMinute')::integer, max_per_minute)`

const columnsWith = (status: Sql): Sql => sql`
  id, type, ${status} as status, query_condition as "queryCondition", request, created_time as "createdTime",
  start_time as "startTime", started_time as "startedTime",
  max_execution_time_seconds as "maxExecutionTimeSeconds", deadline, max_devices as "maxDevices", scope,
  skip_compliant as "skipCompliant",
  coalesce(targets, 'atStart') as targets, selected_time as "selectedTime",
  coalesce(on_overlap, 'parallel') as "onOverlap",
  name, description, labels, ${maxPerMinute} as "maxPerMinute",
  ramp - 'maxPerMinute' as ramp, max_concurrent as "maxConcurrent",
  rollout -> 'waves' as waves, rollout -> 'window' as "window", rollout -> 'retry' as "retryPolicy", version,
  budget_group_by as "budgetGroupBy", budget_max_concurrent as "budgetMaxConcurrent",
  case when retry_of is not null then json_build_object(
    'sourceKey', retry_of::text, 'familyKey', family_key::text, 'selection', retry_selection
  ) end as retry`

/** The columns of a `JobRow`. */
export const columns = columnsWith(sql`status`)

/** Why a job exists, for its history. */
export type JobOrigin = {
  readonly cause: 'user' | 'schedule'
  readonly reason: string | null
  /** The id of the actor that changed the template of the job last; null without a template. */
  readonly templateChangedBy: string | null
}

/** False when the id is taken. */
export async function insertJob(
  tx: Tx,
  job: Omit<JobRow, 'startedTime' | 'selectedTime' | 'waves' | 'window' | 'retryPolicy' | 'version'> & {
    readonly rollout: JobRollout | null
  },
  by: By,
  { cause, reason, templateChangedBy }: JobOrigin,
): Promise<boolean> {
  const { retry, rollout } = job
  const ruleCounts = initialCounts(rollout?.abort)
  const ramp = storedRamp(job)
  const rows = await tx.query(
    sql`with moved as (
          insert into job (
            id, type, status, query_condition, request, created_time, start_time, max_execution_time_seconds, deadline,
            max_devices, retry_of, family_key, retry_selection, created_by, scope, name, description, labels,
            targets, rollout, has_window, rule_counts, max_per_minute, max_concurrent, budget_group_by, budget_max_concurrent,
            template_changed_by, skip_compliant, on_overlap, ramp
          )
          values (
            ${job.id}, ${job.type}, ${job.status}, ${job.queryCondition}, ${JSON.stringify(job.request)}::json,
            ${job.createdTime}, ${job.startTime}, ${job.maxExecutionTimeSeconds}, ${job.deadline},
            ${job.maxDevices}, ${retry?.sourceKey ?? null}::bigint, ${retry?.familyKey ?? null}::bigint,
            ${retry === null ? null : JSON.stringify(retry.selection)}::json, ${by.name}, ${job.scope}::text[],
            ${job.name}, ${job.description}, ${job.labels === null ? null : JSON.stringify(job.labels)}::jsonb,
            ${job.targets === 'atStart' ? null : job.targets}, ${rollout === null ? null : JSON.stringify(rollout)}::jsonb,
            ${rollout?.window !== undefined},
            ${ruleCounts === null ? null : JSON.stringify(ruleCounts)}::jsonb, ${job.maxPerMinute}, ${job.maxConcurrent},
            ${job.budgetGroupBy}, ${job.budgetMaxConcurrent}, ${templateChangedBy}, ${job.skipCompliant},
            ${job.onOverlap === 'parallel' ? null : job.onOverlap},
            ${ramp === null ? null : JSON.stringify(ramp)}::jsonb
          )
          on conflict do nothing
          returning key, version, status
        )
        ${noteMoved({ type: 'scheduled', cause, time: job.createdTime, by, reason })}
        returning job_key`,
    'insert-job',
  )
  return rows.length > 0
}

/** Locks the job for a change of its state or counters. */
export async function lockJob(tx: Tx, id: string): Promise<JobRow | undefined> {
  const [row] = await tx.query<JobRow>(sql`select ${columns} from job where id = ${id} for no key update`)
  return row
}

/** The source of a new retry. `ended`: its end time is set. */
export type SourceRow = JobRow & {
  readonly key: string
  readonly ended: boolean
  readonly rollout: JobRollout | null
  readonly templateChangedBy: string | null
}

/** Keeps the job from being deleted before the transaction ends and the retry exists. */
export async function lockSource(tx: Tx, id: string): Promise<SourceRow | undefined> {
  const [row] = await tx.query<SourceRow>(
    sql`select ${columns}, key, rollout, template_changed_by as "templateChangedBy", end_time is not null as ended
        from job where id = ${id} for key share`,
  )
  return row
}

/**
 * A job that may have work. `resumedVersion` changes with each resumption and each change of its limits: what was found
 * before may have been refused since, and must be looked for again. Of a job with waves, `deviceCount` is that of the open waves
 * that have waiting devices; `firstWave` and `openWave` are the first of these and the last open wave. A job with a time window
 * has work while it is open: `openings` are its open windows, each with the time of its opening; null for a job without.
 */
export type JobWithWork = {
  readonly id: string
  readonly deviceCount: number
  readonly isNew: boolean
  readonly resumedVersion: number | null
  readonly firstWave: number | null
  readonly openWave: number | null
  readonly openings: readonly string[] | null
}

/** The open waves of `job` that have waiting devices. */
const wavesWithWork = sql`
  from job_wave wave
  where wave.job_key = job.key and wave.wave <= job.open_wave
    and wave.device_count > wave.running_count + wave.succeeded_count + wave.failed_count + wave.cancelled_count`

/** The open windows of `job`, if it has time windows. */
const openWindows = sql`
  from job_window
  where job_window.job_key = job.key and ${isOpenNow}`

/**
 * Running jobs of a type with waiting devices, the one that has run longest first. A job is new while all its devices
 * wait.
 */
export function findWaitingJobs(db: Reader, type: JobType): Promise<JobWithWork[]> {
  return db.query(
    sql`select id, pending_count = device_count as "isNew", resumed_version as "resumedVersion", open_wave as "openWave",
               case when open_wave is null then device_count
                    else (select sum(wave.device_count)::integer ${wavesWithWork}) end as "deviceCount",
               case when open_wave is not null then (select min(wave.wave) ${wavesWithWork}) end as "firstWave",
               case when has_window then array(select zone_key || ' ' || opens_time ${openWindows}) end as openings
        from job
        where end_time is null and status = 'running' and type = ${type} and pending_count > 0
          and (open_wave is null or exists (select ${wavesWithWork}))
          and (not has_window or exists (select ${openWindows}))
        order by started_time, id`,
    'find-waiting-jobs',
  )
}

export async function findJob(db: Reader, id: string): Promise<JobRow | undefined> {
  const [row] = await db.query<JobRow>(sql`select ${columns} from job where id = ${id}`, 'find-job')
  return row
}

/** What the devices of a twin update have their turns by, and its patch unless that is known: a large one takes long to parse. */
export type TwinUpdate = Pick<JobRow, 'startTime' | 'maxPerMinute' | 'window' | 'skipCompliant'> & {
  readonly patch: TwinPatch | null
}

/** The twin update with this id. */
export async function findTwinUpdate(
  db: Reader,
  id: string,
  { isPatchKnown }: { readonly isPatchKnown: boolean },
): Promise<TwinUpdate | undefined> {
  const [row] = await db.query<TwinUpdate>(
    sql`select case when not ${isPatchKnown}::boolean then request end as patch, start_time as "startTime",
          ${maxPerMinute} as "maxPerMinute", rollout -> 'window' as "window", skip_compliant as "skipCompliant"
        from job where id = ${id} and type = 'scheduleUpdateTwin'`,
    'find-twin-update',
  )
  return row
}

/**
 * Connect timeouts begin anew when a `job` is resumed: devices may have been connected in vain while it was paused. So they do
 * when a wave or a time window is opened.
 */
export const connectBegin = sql`case when job.resumed_version is null and job.open_wave is null then job.started_time else coalesce(
  (select max(time) from job_event where job_key = job.key and type in ('resumed', 'waveOpened')), job.started_time
) end`

/**
 * When the connect timeout of a job ends. Of a job with waves, `openWave` is the last one that it concerns. Of a job with time
 * windows, `zoneKey` is the one that it concerns.
 */
export type ConnectTimeout = {
  readonly jobId: string
  readonly time: Date
  readonly openWave: number | null
  readonly zoneKey: string | null
}

/**
 * Running method jobs with a connect timeout and waiting devices, and when the timeout ends; the earliest first. Of a job with time
 * windows, those that are open: nobody waits for a device while its window is closed.
 */
export function findConnectTimeouts(db: Reader): Promise<ConnectTimeout[]> {
  return db.query(
    sql`select id as "jobId", greatest(${connectBegin}, opens_time) + make_interval(secs => seconds) as time,
               open_wave as "openWave", zone_key as "zoneKey"
        from job cross join lateral (select (request ->> 'connectTimeoutInSeconds')::integer as seconds) connect
        left join job_window on has_window and job_window.job_key = job.key and ${isOpenNow}
        where end_time is null and status = 'running' and type = 'scheduleDeviceMethod' and pending_count > 0
          and seconds > 0 and (open_wave is null or exists (select ${wavesWithWork}))
          and (not has_window or zone_key is not null)
        order by time, id`,
    'find-connect-timeouts',
  )
}

/** Jobs by status, each status counted up to `most`. */
export function countJobs(db: Reader, most: number): Promise<{ readonly status: JobStatus; readonly count: number }[]> {
  return db.query(
    sql`select status, (
          select count(*)::integer from (select from job where job.status = known.status limit ${most}) counted
        ) as count
        from unnest(${Object.keys(jobTransitions)}::text[]) as known (status)`,
    'count-jobs',
  )
}

/** The ids of jobs with calls under way, through whichever instance. */
export async function findJobIdsUnderWay(db: Reader): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    sql`select id from job where end_time is null and running_count > 0 order by id`,
  )
  return rows.map((row) => row.id)
}

/** The key for request ids, in hexadecimal, the same for all instances on this database. */
export async function readRequestKey(db: Reader): Promise<string> {
  const [row] = await db.query<{ requestKey: string }>(sql`select encode(request_key, 'hex') as "requestKey" from hub`)
  if (row === undefined) throw new Error('The row of the table hub is missing.')
  return row.requestKey
}

/** The jobs that have not ended, or ended at or after `time`: their rows may have changed since. */
export async function findJobIdsSince(db: Reader, time: Date): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    sql`select id from job where end_time is null union all select id from job where end_time >= ${time}`,
  )
  return rows.map((row) => row.id)
}

/** A job as REST shows it: its progress and its outcome. */
export type JobRecord = JobRow &
  DeviceJobStatistics & {
    readonly endTime: Date | null
    readonly failureReason: string | null
    readonly statusMessage: string | null
  }

/**
 * The status as IoT Hub's clients know it. A paused job is one that runs, or that is not due yet, as is a job that waits for
 * an approval.
 */
const plainStatus = sql`case when status not in ('paused', 'waitingForApproval') then status
  when started_time is null then 'scheduled' else 'running' end`

const recordColumns = sql`${columnsWith(plainStatus)},
  end_time as "endTime", failure_reason as "failureReason", status_message as "statusMessage",
  device_count as "deviceCount", pending_count as "pendingCount", running_count as "runningCount",
  succeeded_count as "succeededCount", refused_count as "refusedCount", skipped_count as "skippedCount",
  failed_count as "failedCount", canceled_count as "cancelledCount"`

export async function findJobRecord(db: Reader, id: string): Promise<JobRecord | undefined> {
  const [row] = await db.query<JobRecord>(sql`select ${recordColumns} from job where id = ${id}`, 'find-job-record')
  return row
}

/**
 * A page of jobs, the newest first: at most `limit` beyond `cursor`. It stops after the job with which requests and
 * conditions exceed `maxBytes`, and then `cut` is true.
 */
export async function findJobRecords(
  db: BoundedReader,
  { type, status }: { readonly type: JobType | undefined; readonly status: JobStatus | undefined },
  { cursor, limit }: { readonly cursor: Pick<JobRow, 'createdTime' | 'id'> | undefined; readonly limit: number },
  maxBytes: number,
): Promise<{ readonly jobs: readonly JobRecord[]; readonly cut: boolean }> {
  const jobs = await db.query<JobRecord & WithBytes>(
    sql`select *
        from (
          select ${recordColumns}, size, sum(size) over (order by created_time desc, id desc) as bytes
          from (
            select *, octet_length(request::text) + octet_length(query_condition) as size
            from job
            where true
              ${type === undefined ? empty : sql`and type = ${type}`}
              ${status === undefined ? empty : sql`and status in (${status}, 'paused', 'waitingForApproval') and ${plainStatus} = ${status}`}
              ${cursor === undefined ? empty : sql`and (created_time, id) < (${cursor.createdTime}, ${cursor.id})`}
            order by created_time desc, id desc
            limit ${limit}
          ) page
        ) summed
        where bytes - size <= ${maxBytes}
        order by "createdTime" desc, id desc`,
  )
  return { jobs, cut: bytesOf(jobs) > maxBytes }
}
