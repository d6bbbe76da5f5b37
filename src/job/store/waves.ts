import { empty, join, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { boundedFragment } from '../../database/bounded-fragment.ts'
import type { BoundedReader, BoundedReads } from '../../database/bounded-read.ts'
import { devicesWhere, meetsCondition } from '../../database/meets-condition.ts'
import type { Reader, Tx } from '../../database/reader.ts'
import { compileDeviceCondition } from '../../query/device-condition.ts'
import type { Scope } from '../../scope.ts'
import type { DeviceCondition } from '../../sql-fragment.ts'
import type { By } from '../history.ts'
import {
  type Gate,
  type GateAction,
  type GateOutcome,
  type GateState,
  hundredths,
  type Wave,
  type WaveCounts,
} from '../waves.ts'
import { createGroups } from './budget-groups.ts'
import { noteMoved } from './history.ts'
import { movedColumns, queueMoved } from './webhook-outbox.ts'

// The waves of a job that has started. Whoever changes them has locked the job's row before, so their counters are as exact
// as those of the job.

/**
 * As `expandJob`, and puts each device into its wave: into the first whose condition it meets, or else into a wave of some
 * size. These are filled in the order of a hash of device and job, so each is a fair sample of the devices that are left.
 */
export async function expandInWaves(
  tx: Tx & BoundedReader,
  scope: Scope,
  id: string,
  condition: DeviceCondition,
  waves: readonly Wave[],
  { narrowed, group }: { readonly narrowed: Sql; readonly group: Sql | undefined },
): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    sql`with matching as (
          select job.key, d.id, ${chosenWave(tx, waves)} as chosen, hashtextextended(d.id, job.key) as hash
                 ${group ? sql`, ${group} as group_key` : empty}
          from job cross join device d join twin t on t.device_id = d.id
          where job.id = ${id} and ${meetsCondition(tx, scope, condition)} ${narrowed}
        ), placed as (
          select *, count(*) over () as total, row_number() over (partition by chosen is null order by hash, id) - 1 as place
          from matching
        ), target as (
          insert into device_job (job_key, device_id, wave${group ? sql`, group_key` : empty})
          select key, id, coalesce(chosen, ${sizedWave(waves)})${group ? sql`, group_key` : empty} from placed
          order by 3, 2
          returning wave${group ? sql`, job_key, group_key` : empty}
        )${group ? createGroups : empty}, counted as (
          insert into job_wave (job_key, wave, device_count)
          select key, number, (select count(*) from target where target.wave = number)
          from job cross join generate_series(1, ${waves.length}::integer) as number
          where job.id = ${id}
        )
        select count(*)::integer as count from target`,
  )
  return row?.count ?? 0
}

/**
 * How many of the devices in the scope that meet a condition each wave has by its own condition, by its place from 0. Undefined when
 * there is no time to count them.
 */
export async function countChosen(
  db: BoundedReads,
  scope: Scope,
  condition: DeviceCondition,
  waves: readonly Wave[],
): Promise<ReadonlyMap<number, number> | undefined> {
  if (!waves.some((wave) => 'queryCondition' in wave)) return new Map()
  const rows = await db.boundedRead(500, (reader) =>
    reader.query<{ chosen: number; count: number }>(
      sql`select chosen, count(*)::integer as count
          from (select ${chosenWave(reader, waves)} as chosen ${devicesWhere(reader, scope, condition)}) matching
          where chosen is not null
          group by chosen`,
    ),
  )
  return rows && new Map(rows.map(({ chosen, count }) => [chosen - 1, count]))
}

/** The number of the first wave whose condition the device `d` meets; null for other devices. */
function chosenWave(db: BoundedReader, waves: readonly Wave[]): Sql {
  const cases = waves.flatMap((wave, index) =>
    'queryCondition' in wave
      ? [sql`when (${boundedFragment(db, compileDeviceCondition(wave.queryCondition))}) then ${index + 1}::integer`]
      : [],
  )
  return cases.length === 0 ? sql`null::integer` : sql`case ${join(cases, ' ')} end`
}

/** The number of the wave of a size that has the `place`-th of the other devices; `total` is the number of all devices. */
function sizedWave(waves: readonly Wave[]): Sql {
  const numbers: number[] = []
  const bounds: Sql[] = []
  for (const [index, wave] of waves.entries()) {
    if (!('devices' in wave || 'percent' in wave)) continue
    const size =
      'devices' in wave
        ? sql`${wave.devices}::bigint`
        : sql`ceil(${hundredths(wave.percent)}::bigint * total / 10000.0)::bigint`
    const before = bounds.at(-1)
    bounds.push(before === undefined ? size : sql`${before} + ${size}`)
    numbers.push(index + 1)
  }
  if (bounds.length === 0) return sql`${waves.length}::integer`
  return sql`(${[...numbers, waves.length]}::integer[])[1 + width_bucket(place, array[${join(bounds)}]::bigint[])]`
}

/** Opens the first wave of a job that is being started. */
export async function startWaves(tx: Tx, id: string, now: Date): Promise<void> {
  await tx.query(sql`with ${opened(id, now, sql`version`, null)} select from moved`)
}

/** Who opens a wave, and why. `by`: undefined when the gate has passed by itself. `outcome`: of the gate before the wave. */
export type Opening = {
  readonly by?: By
  readonly reason: string | null
  readonly outcome: Extract<GateOutcome, 'passed' | 'skipped'>
}

/** Opens the next wave of a job. Its devices are looked for from now on. */
export async function openNextWave(tx: Tx, id: string, { by, reason, outcome }: Opening, now: Date): Promise<void> {
  await tx.query(
    sql`with ${opened(id, now, sql`version + 1`, outcome)}
        ${noteMoved({
          type: 'waveOpened',
          cause: by === undefined ? 'gate' : 'user',
          time: now,
          ...(by && { by }),
          reason,
          wave: sql`open_wave`,
        })}`,
  )
}

/**
 * The parts of a statement that open the next wave with devices, and those before it, which have none. When it is the last
 * that has devices, all later ones are opened, too: then no gate is left.
 */
const opened = (id: string, now: Date, version: Sql, outcome: GateOutcome | null): Sql => sql`
  moved as (
    update job
    set version = ${version},
        open_wave = (
          select case when count(*) filter (where device_count > 0) > 1
                      then min(wave) filter (where device_count > 0) else max(wave) end
          from job_wave
          where job_key = job.key and wave > coalesce(job.open_wave, 0)
        )
    where id = ${id}
    returning key, version, status, open_wave
  ), opened as (
    update job_wave
    set opened_time = coalesce(opened_time, ${now}::timestamptz),
        closed_time = case when wave <= coalesce(before.open_wave, 0) or job_wave.device_count = 0
                           then coalesce(closed_time, ${now}::timestamptz) end,
        gate_outcome = case when wave = before.open_wave then ${outcome}::text else gate_outcome end
    from moved join job before on before.key = moved.key
    where job_wave.job_key = moved.key and wave <= moved.open_wave
  )`

/** The gate that decides when the next wave is opened: that of the last open wave. */
export type OpenGate = WaveCounts &
  GateState & {
    readonly jobId: string
    readonly wave: number
    readonly gate: Gate | null
    readonly outcome: GateOutcome | null
    readonly hasLater: boolean
  }

const openGates = (which: Sql): Sql => sql`
  select job.id as "jobId", last.wave, last.device_count as "deviceCount", last.running_count as "runningCount",
         last.succeeded_count as "succeededCount", last.refused_count as "refusedCount", last.failed_count as "failedCount",
         last.cancelled_count as "cancelledCount",
         job.rollout -> 'waves' -> (job.open_wave - 1) -> 'gate' as gate, gate_outcome as outcome,
         job.open_wave < jsonb_array_length(job.rollout -> 'waves') as "hasLater",
         extract(epoch from clock_timestamp() - reached_time)::float8 as "secondsReached",
         approval_time is not null as "waitsForApproval", failed_time is not null as "hasFailed"
  from job join job_wave last on last.job_key = job.key and last.wave = job.open_wave
  where ${which}`

/** The gates of all running jobs that have later waves. */
export function findOpenGates(db: Reader): Promise<OpenGate[]> {
  return db.query<OpenGate>(
    openGates(sql`job.end_time is null and job.status = 'running' and job.open_wave is not null
      and job.open_wave < jsonb_array_length(job.rollout -> 'waves')`),
    'find-open-gates',
  )
}

/** The gate of a job, which must be locked. Undefined for a job without waves, or that has not started. */
export async function findOpenGate(tx: Tx, jobId: string): Promise<OpenGate | undefined> {
  const [row] = await tx.query<OpenGate>(openGates(sql`job.id = ${jobId}`))
  return row
}

/** The share of the gate is reached: the soak begins, by the clock of the database. */
export async function saveReached(tx: Tx, { jobId, wave }: OpenGate): Promise<void> {
  await tx.query(
    sql`with moved as (
          update job set version = version + 1 where id = ${jobId} returning key
        )
        update job_wave set reached_time = clock_timestamp() from moved where job_key = key and wave = ${wave}`,
  )
}

/** The gate has passed, and the next wave waits for an approval only. */
export async function saveWaitsForApproval(
  tx: Tx,
  { jobId, wave }: OpenGate,
  reason: string,
  now: Date,
): Promise<void> {
  await tx.query(
    sql`with moved as (
          update job set version = version + 1 where id = ${jobId} returning key, version, status
        ), waits as (
          update job_wave set approval_time = ${now} from moved where job_key = key and wave = ${wave}
        )
        ${noteMoved({ type: 'gatePassed', cause: 'gate', time: now, reason, wave: sql`${wave}::integer` })}`,
  )
}

/** Somebody has approved or rejected the opening of the next wave. */
export async function noteDecision(
  tx: Tx,
  { jobId, wave }: OpenGate,
  type: 'approved' | 'rejected',
  { by, reason }: { readonly by: By; readonly reason: string | null },
  now: Date,
): Promise<void> {
  await tx.query(
    sql`with moved as (
          update job set version = version + 1 where id = ${jobId} returning key, version, status
        )
        ${noteMoved({ type, cause: 'user', time: now, by, reason, wave: sql`${wave}::integer` })}`,
  )
}

/** The gate has failed, and pauses or cancels the job. Once this is committed, no call of the job is marked. */
export async function saveGateFailed(
  tx: Tx,
  { jobId, wave }: OpenGate,
  action: GateAction,
  { outcome, reason }: { readonly outcome: Extract<GateOutcome, 'failed' | 'rejected'>; readonly reason: string },
  now: Date,
): Promise<void> {
  const change =
    action === 'pause'
      ? sql`status = 'paused'`
      : sql`status = 'cancelled', status_message = ${reason}, canceled_count = canceled_count + pending_count,
            pending_count = 0, end_time = case when running_count = 0 then ${now}::timestamptz end`
  // In a statement of its own: the end of a job with a retry policy changes the counters of its waves, too.
  await tx.query(
    sql`update job_wave set failed_time = ${now}, gate_outcome = ${outcome}::text from job where job.id = ${jobId} and job_key = job.key and wave = ${wave}`,
  )
  await tx.query(
    sql`with moved as (
          update job set ${change}, version = version + 1
          where id = ${jobId}
          returning key, version, status, ${movedColumns}
        ), queued as (
          ${queueMoved({ time: now })}
        )
        ${noteMoved({ type: sql`status`, cause: 'gate', time: now, reason, wave: sql`${wave}::integer` })}`,
  )
}

/** A wave as it is stored, with its counters and times. */
export type WaveRow = WaveCounts & {
  readonly jobKey: string
  readonly wave: number
  readonly skippedCount: number
  readonly openedTime: Date | null
  readonly reachedTime: Date | null
  readonly approvalTime: Date | null
  readonly failedTime: Date | null
  readonly closedTime: Date | null
  readonly gateOutcome: GateOutcome | null
}

/** The waves of these jobs, by their keys, in order. Jobs that have not started have none. */
export function findWaves(db: Reader, jobKeys: readonly string[]): Promise<WaveRow[]> {
  return db.query<WaveRow>(
    sql`select job_key as "jobKey", wave, device_count as "deviceCount", running_count as "runningCount",
               succeeded_count as "succeededCount", refused_count as "refusedCount", skipped_count as "skippedCount",
               failed_count as "failedCount", cancelled_count as "cancelledCount", opened_time as "openedTime",
               reached_time as "reachedTime",
               approval_time as "approvalTime", failed_time as "failedTime", closed_time as "closedTime",
               gate_outcome as "gateOutcome"
        from job_wave
        where job_key = any(${jobKeys}::bigint[])
        order by job_key, wave`,
    'find-waves',
  )
}
