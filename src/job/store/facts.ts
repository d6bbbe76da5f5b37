import { empty, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { isAlive } from '../../database/instance-lease.ts'
import type { Reader, Tx } from '../../database/reader.ts'
import type { JobStatus } from '../state.ts'

/** One device's part of one job. */
export type DeviceJobKey = { readonly jobId: string; readonly deviceId: string }

/**
 * How one device's part ended: with an answer (`response`), or the reason why not (`error`). A twin update has neither. It is
 * `skipped` when it left the twin as it was.
 */
export type Settlement = DeviceJobKey & {
  readonly response?: { readonly status: number; readonly payload: string }
  readonly error?: { readonly code: string; readonly description: string }
  readonly skipped?: true
  /** Which attempt ended. Left out for the first, and for a call that was not sent. */
  readonly attempt?: number
}

/** A device job of a job with a budget, and the group of its device. */
export type GroupedKey = DeviceJobKey & { readonly group: string }

/** The groups of a job with a budget that have more room than before. */
export type FreedGroups = { readonly jobId: string; readonly freedGroups: readonly string[] }

/** The effect of a batch of facts on a job: `open` device jobs are left. */
export type JobProgress = {
  readonly jobId: string
  readonly open: number
  readonly hasWaves: boolean
  /** The devices whose calls are repeated: they have no outcome. Left out without any. */
  readonly repeated?: readonly string[]
} & Partial<FreedGroups>

/** Jobs that are open and locked, with the keys that their facts use, and whether they have a retry policy. */
export type OpenJobs = ReadonlyMap<string, { readonly key: string; readonly repeats: boolean }>

/**
 * Locks those of the jobs that have not ended, in the order of their ids. For transactions that read or change more than
 * `markDispatched` and `settle` do, which lock the jobs themselves.
 */
export async function lockOpenJobs(tx: Tx, ids: Iterable<string>, status?: JobStatus): Promise<OpenJobs> {
  const rows = await tx.query<{ id: string; key: string; repeats: boolean }>(
    sql`select id, key, ${isRepeated} as repeats from job
        where id = any(${[...new Set(ids)]}) and end_time is null
          and (${status ?? null}::text is null or status = ${status ?? null})
        order by id
        for no key update`,
    'lock-open-jobs',
  )
  return new Map(rows.map(({ id, key, repeats }) => [id, { key, repeats }]))
}

/** Whether calls of `job` are repeated. Of other jobs, no attempts are looked up. */
const isRepeated = sql`coalesce(job.rollout ? 'retry', false)`

/** The row of a device job's first fact, as named in statements. */
export const target = sql`target`

/** The key of a job, looked up once per statement. */
export const keyOf = (jobId: string): Sql => sql`(select key from job where id = ${jobId})`

/** Whether the wave of a device job of `job`, by whatever alias, is open. True without waves. */
export const isInOpenWave = (deviceJob: Sql): Sql =>
  sql`(${deviceJob}.wave is null or ${deviceJob}.wave <= job.open_wave)`

/** Whether a row of `job_window` is open, by the clock of the database. */
export const isOpenNow = sql`(
  job_window.opens_time <= clock_timestamp() and clock_timestamp() < job_window.closes_time
)`

/** Whether the time window of a device job, by whatever alias, is open. Its job must have one. */
export const isInOpenWindow = (deviceJob: Sql): Sql => sql`exists (
  select from job_window
  where job_window.job_key = ${deviceJob}.job_key and job_window.zone_key = coalesce(${deviceJob}.zone_key, 0) and ${isOpenNow}
)`

/** Whether the row of a device job, by whatever alias, has the second fact. */
export const isDispatched = (deviceJob: Sql): Sql => sql`exists (
  select from device_job_dispatch mark
  where mark.job_key = ${deviceJob}.job_key and mark.device_id = ${deviceJob}.device_id
)`

/** Whether the row of a device job, by whatever alias, has the third fact. */
export const hasOutcome = (deviceJob: Sql): Sql => sql`exists (
  select from device_job_outcome o where o.job_key = ${deviceJob}.job_key and o.device_id = ${deviceJob}.device_id
)`

/**
 * Whether the row of an outcome is that of a device that was skipped: it is described, and is no error. False without an
 * outcome.
 */
export const isSkipped = (outcome: Sql): Sql =>
  sql`(${outcome}.error_code is null and ${outcome}.error_description is not null)`

/** The condition of the index of outcomes by version. A statement that reads in that order must repeat it. */
export const hasVersion = (outcome: Sql): Sql => sql`${outcome}.version > 0`

/**
 * The device jobs of running method jobs that wait for these devices, in open waves and time windows. One lookup per device and
 * job, so that no further index is needed.
 */
export function findWaiting(db: Reader, deviceIds: readonly string[]): Promise<DeviceJobKey[]> {
  return db.query<DeviceJobKey>(
    sql`select job.id as "jobId", target.device_id as "deviceId"
        from job
        cross join unnest(${deviceIds}::text[]) as arrived (device_id)
        join device_job target on target.job_key = job.key and target.device_id = arrived.device_id
        where job.end_time is null and job.status = 'running'
          and job.type = 'scheduleDeviceMethod' and job.pending_count > 0
          and not ${isDispatched(target)} and not ${hasOutcome(target)}
          and ${isInOpenWave(target)} and (not job.has_window or ${isInOpenWindow(target)}) and ${isStillThere(target)}
        order by job.started_time, job.id`,
    'find-waiting',
  )
}

/** When the devices of `job` were selected. */
export const selectedTime = sql`coalesce(job.selected_time, job.started_time)`

/**
 * Whether the device of a device job, by whatever alias, still exists: not if another device has its id, which was created after
 * the devices of `job` were selected. The clocks of two instances may differ by two seconds. Into a continuous job, the other
 * device would come, too.
 */
export const isStillThere = (deviceJob: Sql): Sql => sql`exists (
  select from device
  where device.id = ${deviceJob}.device_id
    and (job.targets is not distinct from 'continuous' or device.created_time <= ${selectedTime} + interval '2 seconds')
)`

/**
 * The device jobs of method jobs that wait for those of these devices that were deleted: also of jobs that are paused, and in waves
 * and time windows that are not open.
 */
export function findWaitingForTheGone(db: Reader, deviceIds: readonly string[]): Promise<DeviceJobKey[]> {
  return db.query<DeviceJobKey>(
    sql`select job.id as "jobId", target.device_id as "deviceId"
        from job
        cross join unnest(${deviceIds}::text[]) as gone (device_id)
        join device_job target on target.job_key = job.key and target.device_id = gone.device_id
        where job.end_time is null and job.status in ('running', 'paused') and job.started_time is not null
          and job.type = 'scheduleDeviceMethod' and job.pending_count > 0
          and not ${isDispatched(target)} and not ${hasOutcome(target)} and not ${isStillThere(target)}`,
    'find-waiting-for-the-gone',
  )
}

/**
 * Calls under way to deleted devices, even if a new device has the same id by now: it was created after its predecessor
 * got the call, and cannot answer for it.
 */
export function findCallsOfTheGone(db: Reader, deviceIds: readonly string[]): Promise<Required<AttemptKey>[]> {
  return db.query<Required<AttemptKey>>(
    sql`select job.id as "jobId", x.device_id as "deviceId",
               case when ${isRepeated} then attempt_of(job.key, x.device_id) else 1 end as attempt
        from job
        cross join unnest(${deviceIds}::text[]) as gone (device_id)
        join device_job_dispatch x on x.job_key = job.key and x.device_id = gone.device_id
        where job.end_time is null and job.running_count > 0 and not ${hasOutcome(sql`x`)}
          and not exists (select from device where id = x.device_id and created_time <= x.dispatched_time)`,
    'find-calls-of-the-gone',
  )
}

/** A call about to be sent, and its deadline. */
export type Dispatch = DeviceJobKey & { readonly deadline: Date }

/** A call, and which attempt it is; left out for the first. */
export type AttemptKey = DeviceJobKey & { readonly attempt?: number }

/** A call whose next attempt has to wait for so many milliseconds. */
export type LaterCall = DeviceJobKey & { readonly waitMs: number }

/**
 * Calls that may now be sent, and those that the limits of their jobs hold back. `waitMs`: when a rate leaves room for some of
 * these; null when they wait for other calls to end. `full` are those of groups that have as many calls in progress as
 * the budget of their job allows. `later` are those whose next attempt has to wait.
 */
export type Marks = {
  readonly marked: readonly AttemptKey[]
  readonly later: readonly LaterCall[]
  readonly held: readonly DeviceJobKey[]
  readonly full: readonly DeviceJobKey[]
  readonly waitMs: number | null
}

type MarksRow = {
  readonly complete: boolean
  readonly markedJobs: number[] | null
  readonly markedDevices: string[] | null
  readonly heldJobs: number[] | null
  readonly heldDevices: string[] | null
  readonly waitMs: number | null
  readonly fullJobs: number[] | null
  readonly fullDevices: string[] | null
  readonly attempts: number[] | null
  readonly laterJobs: number[] | null
  readonly laterDevices: string[] | null
  readonly laterMs: number[] | null
}

/**
 * Records that these calls may have been sent, before they are. Returns the calls that may now be sent. No call is ever
 * returned twice. Calls of jobs that do not run are skipped. So are calls to devices that are not connected to this
 * instance, and all calls when this instance is not alive: its devices may be connected elsewhere by then, and the only
 * call must go through the instance that the device is connected to.
 */
export async function markDispatched(
  tx: Tx,
  dispatches: readonly Dispatch[],
  { instanceId, now }: { readonly instanceId: string; readonly now: Date },
): Promise<Marks> {
  const { jobIds, jobs, deviceIds } = arraysOf(dispatches)
  const [row] = await tx.query<MarksRow>(
    sql`select complete, marked_jobs as "markedJobs", marked_devices as "markedDevices",
               held_jobs as "heldJobs", held_devices as "heldDevices", wait_ms as "waitMs",
               full_jobs as "fullJobs", full_devices as "fullDevices", attempts,
               later_jobs as "laterJobs", later_devices as "laterDevices", later_ms::float8[] as "laterMs"
        from mark_calls(
          ${jobIds}::text[], ${jobs}::integer[], ${deviceIds}::text[],
          ${dispatches.map(({ deadline }) => deadline.getTime())}::bigint[], ${instanceId}::text, ${now}::timestamptz
        )`,
    'mark-calls',
  )
  if (row?.complete === true) return { marked: dispatches, held: [], full: [], later: [], waitMs: null }
  const keysOf = (places: number[] | null = null, devices: string[] | null = null): DeviceJobKey[] =>
    (devices ?? []).map((deviceId, index) => ({ jobId: jobIds[(places?.[index] ?? 0) - 1] ?? '', deviceId }))
  const marked = keysOf(row?.markedJobs, row?.markedDevices)
  const attempts = row?.attempts ?? null
  return {
    marked: attempts === null ? marked : marked.map((key, index) => ({ ...key, attempt: attempts[index] ?? 1 })),
    held: keysOf(row?.heldJobs, row?.heldDevices),
    full: keysOf(row?.fullJobs, row?.fullDevices),
    later: keysOf(row?.laterJobs, row?.laterDevices).map((key, index) => ({
      ...key,
      waitMs: row?.laterMs?.[index] ?? 0,
    })),
    waitMs: row?.waitMs ?? null,
  }
}

/** Null when all are first attempts. */
const attemptsOf = (calls: readonly { readonly attempt?: number }[]): number[] | null =>
  calls.some(({ attempt = 1 }) => attempt > 1) ? calls.map(({ attempt = 1 }) => attempt) : null

/** Device jobs as arrays of a statement: each job once, and the place of its job, from 1, for each device. */
function arraysOf(keys: readonly DeviceJobKey[]): { jobIds: string[]; jobs: number[]; deviceIds: string[] } {
  const places = new Map<string, number>()
  const jobs: number[] = []
  const deviceIds: string[] = []
  for (const { jobId, deviceId } of keys) {
    const place = places.get(jobId) ?? places.size + 1
    places.set(jobId, place)
    jobs.push(place)
    deviceIds.push(deviceId)
  }
  return { jobIds: [...places.keys()], jobs, deviceIds }
}

/**
 * Removes the marks of calls that were certainly not sent (the device disconnected in between), so that the devices
 * wait again. Only the process that wrote a mark can know this. The jobs must be locked. Returns the groups of jobs with a
 * budget that have more room than before.
 */
export async function unmarkDispatched(tx: Tx, open: OpenJobs, keys: readonly AttemptKey[]): Promise<FreedGroups[]> {
  const given = keys.filter(({ jobId }) => open.has(jobId))
  const grouped = await tx.query<{ key: string; deviceId: string }>(
    sql`with undone as (
          delete from device_job_dispatch x
          using unnest(
            ${given.map(({ jobId }) => open.get(jobId)?.key)}::bigint[],
            ${given.map(({ deviceId }) => deviceId)}::text[],
            ${attemptsOf(given)}::integer[],
            ${given.map(({ jobId }) => open.get(jobId)?.repeats)}::boolean[]
          ) as given (job_key, device_id, attempt, repeats)
          where x.job_key = given.job_key and x.device_id = given.device_id and not ${hasOutcome(sql`given`)}
            -- The mark may be that of a later attempt, which was sent.
            and coalesce(given.attempt, 1)
                = case when given.repeats then attempt_of(given.job_key, given.device_id) else 1 end
          returning x.job_key, x.device_id
        ), in_waves as (
          update job_wave
          set running_count = running_count - wave.count
          from (
            select job_key, wave, count(*)::integer as count
            from (
              -- One lookup each: PostgreSQL would hash all targets for a join.
              select undone.job_key, (
                select wave from device_job target
                where target.job_key = undone.job_key and target.device_id = undone.device_id
              ) as wave
              from undone
            ) undone
            where wave is not null
            group by job_key, wave
          ) wave
          where job_wave.job_key = wave.job_key and job_wave.wave = wave.wave
          returning 1
        ), change as (
          select job_key, count(*)::integer as count from undone group by job_key
        ), counted as (
          update job
          set running_count = running_count - change.count,
              pending_count = pending_count + case job.status when 'cancelled' then 0 else change.count end,
              canceled_count = canceled_count + case job.status when 'cancelled' then change.count else 0 end,
              version = version + 1
          from change
          -- The waves first: an abort rule may cancel the job here, which changes their counters once more.
          where job.key = change.job_key and (select count(*) from in_waves) >= 0
          returning key, budget_max_concurrent
        )
        select undone.job_key as key, device_id as "deviceId" from undone join counted on counted.key = undone.job_key
        where budget_max_concurrent is not null`,
  )
  if (grouped.length === 0) return []
  return tx.query<FreedGroups>(
    sql`select id as "jobId", array_agg(counted_group::text) as "freedGroups"
        from count_in_groups(
          ${grouped.map(({ key }) => key)}::bigint[], ${grouped.map(({ deviceId }) => deviceId)}::text[], -1
        )
        join job on key = counted_job
        group by id`,
  )
}

/** The groups of devices of a job with a budget. */
export function findGroups(db: Reader, jobId: string, deviceIds: readonly string[]): Promise<GroupedKey[]> {
  return db.query<GroupedKey>(
    sql`select ${jobId} as "jobId", device_id as "deviceId", group_key::text as group from device_job
        where job_key = ${keyOf(jobId)} and device_id = any(${deviceIds}::text[]) and group_key is not null`,
    'find-groups',
  )
}

/** For how many devices of a running job there is room, and the milliseconds until there is more. It must be locked. */
export async function readRoom(tx: Tx, jobId: string): Promise<{ readonly room: number; readonly waitMs: number }> {
  const [row] = await tx.query<{ room: number; waitMs: number }>(
    sql`select job_room(max_per_minute, rate_paid_until, max_concurrent, running_count, clock_timestamp()) as room,
               greatest(1, ceil(1000 * extract(epoch from
                 rate_begin(max_per_minute, rate_paid_until, clock_timestamp())
                 + rate_burst(max_per_minute) * rate_interval(max_per_minute) - clock_timestamp()
               )))::integer as "waitMs"
        from job where id = ${jobId}`,
    'read-room',
  )
  return row ?? { room: 0, waitMs: 1_000 }
}

/** These devices have had their turn: they count for the rate of their job. It must be locked. */
export async function payRate(tx: Tx, jobId: string, count: number): Promise<void> {
  await tx.query(
    sql`update job
        set rate_paid_until = rate_begin(max_per_minute, rate_paid_until, clock_timestamp())
              + ${count}::integer * rate_interval(max_per_minute)
        where id = ${jobId}`,
    'pay-rate',
  )
}

/** The counter that a device job leaves when it ends: its call was under way, or it was still waiting. */
export type SettledFrom = 'running' | 'pending'

/**
 * Writes outcomes; the first outcome of a device job is the only one. With 'running' the caller guarantees that the
 * call was dispatched (its request id proves it); with 'pending' devices whose call was dispatched are skipped.
 * Outcomes of jobs that have ended are skipped too, and with 'pending' those of jobs that neither run nor are paused:
 * they are too late, and the existing end counts. An outcome keeps the version that the job has with it: under the lock,
 * that is its place in the order in which the job's devices ended. The retry policy of a job may repeat calls instead: their
 * devices wait again. What belongs to an attempt that has ended before is skipped.
 */
export async function settle(
  tx: Tx,
  settlements: readonly Settlement[],
  from: SettledFrom,
  now: Date,
): Promise<JobProgress[]> {
  const { jobIds, jobs, deviceIds } = arraysOf(settlements)
  const rows = await tx.query<ProgressRow>(
    sql`select changed_id as "jobId", open_count as open, has_waves as "hasWaves", freed_groups::text[] as "freedGroups",
               repeated
        from settle_device_jobs(
          ${jobIds}::text[], ${jobs}::integer[], ${deviceIds}::text[],
          ${settlements.map(({ response }) => response?.status ?? null)}::integer[],
          ${settlements.map(({ response }) => response?.payload ?? null)}::text[],
          ${settlements.map(({ error }) => error?.code ?? null)}::text[],
          ${settlements.map(({ error, skipped }) => error?.description ?? (skipped ? 'Skipped' : null))}::text[],
          ${attemptsOf(settlements)}::integer[], ${from === 'pending'}::boolean, ${now}::timestamptz
        )`,
    'settle',
  )
  const progress = new Map<string, JobProgress>()
  for (const { jobId, open, hasWaves, freedGroups, repeated } of rows) {
    const before = progress.get(jobId)
    const groups = [...(before?.freedGroups ?? []), ...(freedGroups ?? [])]
    const devices = repeated ?? before?.repeated
    progress.set(jobId, {
      jobId,
      open: open ?? before?.open ?? 0,
      hasWaves: hasWaves ?? before?.hasWaves ?? false,
      ...(groups.length > 0 && { freedGroups: [...new Set(groups)] }),
      ...(devices !== undefined && { repeated: devices }),
    })
  }
  return [...progress.values()]
}

/**
 * First a row of each job with repeated calls, then one of each with outcomes, then one of each that has groups with more room,
 * without the number of its open device jobs.
 */
type ProgressRow = {
  readonly jobId: string
  readonly open: number | null
  readonly hasWaves: boolean | null
  readonly freedGroups: readonly string[] | null
  readonly repeated: readonly string[] | null
}

/**
 * Counts these devices of a job, which were settled as skipped in this transaction. They are counted by their outcomes. The
 * job must be locked.
 */
export async function countSkipped(tx: Tx, jobId: string, deviceIds: readonly string[]): Promise<void> {
  await tx.query(
    sql`with skipped as (
          select o.job_key, o.device_id from device_job_outcome o
          where o.job_key = ${keyOf(jobId)} and o.device_id = any(${deviceIds}::text[]) and ${isSkipped(sql`o`)}
        ), in_waves as (
          update job_wave
          set skipped_count = skipped_count + wave.count
          from (
            select skipped.job_key, wave, count(*)::integer as count
            from skipped join device_job target on target.job_key = skipped.job_key and target.device_id = skipped.device_id
            where wave is not null
            group by skipped.job_key, wave
          ) wave
          where job_wave.job_key = wave.job_key and job_wave.wave = wave.wave
        )
        update job set skipped_count = skipped_count + (select count(*)::integer from skipped) where id = ${jobId}`,
    'count-skipped',
  )
}

/** A part of a job's marks: the calls without an outcome and, if there are more marks, the last device of this part. */
export type MarkPage = { readonly underWay: readonly Dispatch[]; readonly last?: string }

/**
 * The calls without an outcome among up to `limit` of a job's marks after `after`, whichever instance wrote them. It
 * reads all of these marks.
 */
export async function findUnderWay(
  db: Reader,
  jobId: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<MarkPage> {
  const rows = await db.query<{ deviceId: string; deadline: Date; ended: boolean; isLast: boolean }>(
    // A scalar subquery, because PostgreSQL would hash all outcomes for an `exists`.
    sql`select * from (
          select device_id as "deviceId", deadline,
                 coalesce((
                   select true from device_job_outcome o
                   where o.job_key = mark.job_key and o.device_id = mark.device_id
                 ), false) as ended,
                 row_number() over (order by device_id) = ${limit} as "isLast"
          from (
            select * from device_job_dispatch
            where job_key = ${keyOf(jobId)} and device_id > ${after}
            order by device_id
            limit ${limit}
          ) mark
        ) seen
        where "isLast" or not ended`,
    'find-under-way',
  )
  const underWay = rows.filter(({ ended }) => !ended).map(({ deviceId, deadline }) => ({ jobId, deviceId, deadline }))
  const last = rows.find(({ isLast }) => isLast)?.deviceId
  return last === undefined ? { underWay } : { underWay, last }
}

/**
 * Those of the calls that are under way, with the current deadlines of their marks. The jobs must be locked, so that no
 * other transaction can write or remove a mark.
 */
export async function findStillUnderWay(
  tx: Tx,
  open: OpenJobs,
  calls: readonly DeviceJobKey[],
): Promise<(Dispatch & Required<AttemptKey>)[]> {
  const given = calls.filter(({ jobId }) => open.has(jobId))
  return tx.query<Dispatch & Required<AttemptKey>>(
    sql`select given.job_id as "jobId", mark.device_id as "deviceId", mark.deadline,
               case when given.repeats then attempt_of(given.job_key, mark.device_id) else 1 end as attempt
        from unnest(
          ${given.map(({ jobId }) => jobId)}::text[],
          ${given.map(({ jobId }) => open.get(jobId)?.key)}::bigint[],
          ${given.map(({ deviceId }) => deviceId)}::text[],
          ${given.map(({ jobId }) => open.get(jobId)?.repeats)}::boolean[]
        ) as given (job_id, job_key, device_id, repeats)
        -- One lookup each: PostgreSQL would hash all marks for a join.
        cross join lateral (
          select * from device_job_dispatch
          where job_key = given.job_key and device_id = given.device_id
          limit 1
        ) mark
        where not ${hasOutcome(sql`mark`)}`,
    'find-still-under-way',
  )
}

/**
 * Up to `limit` waiting devices after `after`, except for devices that are connected to another living instance: that
 * instance calls them. Of a job with waves, those of the waves up to `openWave`, whichever are open by now; of a job with time
 * windows, those of one.
 */
export async function findPending(
  db: Reader,
  {
    jobId,
    openWave,
    zoneKey,
  }: { readonly jobId: string; readonly openWave: number | null; readonly zoneKey: string | null },
  { instanceId, after, limit }: { readonly instanceId: string; readonly after: string; readonly limit: number },
): Promise<string[]> {
  const rows = await db.query<{ deviceId: string }>(
    sql`select target.device_id as "deviceId" from device_job target
        where target.job_key = ${keyOf(jobId)} and target.device_id > ${after}
          and not ${isDispatched(target)} and not ${hasOutcome(target)}
          and not exists (
            select from device
            where device.id = target.device_id and connection_state = 'connected' and instance_id <> ${instanceId}
              and ${isAlive(sql`device.instance_id`)}
          )
          and (target.wave is null or target.wave <= ${openWave}::integer)
          ${zoneKey === null ? empty : sql`and coalesce(target.zone_key, 0) = ${zoneKey}::bigint`}
          -- A device that was called has connected in time.
          -- As a subquery, because PostgreSQL would read all targets for a call of a function.
          and (
            select true from device_job_attempt earlier
            where earlier.job_key = target.job_key and earlier.device_id = target.device_id and attempt = 1
          ) is null
        order by target.device_id
        limit ${limit}`,
    zoneKey === null ? 'find-pending' : 'find-pending-in-window',
  )
  return rows.map((row) => row.deviceId)
}
