import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Reader } from '../../src/database/reader.ts'
import { deriveDeviceJobStatus, deviceJobResult, type JobStatus } from '../../src/job/state.ts'
import { statisticsOf, type WaveCounts } from '../../src/job/waves.ts'
import type { Picture } from './machine.ts'

/** A job as the hub has it, and its version. */
export type SeenPicture = Picture & { readonly version: number }

type Row = {
  readonly id: string
  readonly status: JobStatus
  readonly hasEnded: boolean
  readonly version: number
  readonly openWave: number | null
  readonly counts: Readonly<Record<string, number>>
  readonly devices: readonly {
    readonly number: number
    readonly isMarked: boolean
    readonly hasOutcome: boolean
    readonly code: string | null
    readonly status: number | null
    readonly isSkipped: boolean
    readonly attempts: number
  }[]
  readonly waves: readonly (WaveCounts & { readonly skippedCount: number })[]
  readonly history: readonly string[]
  /** Groups of a budget whose counter is not the number of their calls in progress. */
  readonly wrongGroups: number
}

/** All jobs as the hub shows them to clients, by their ids. The results of devices follow from the facts about them. */
export async function readPictures(db: Reader): Promise<ReadonlyMap<string, SeenPicture>> {
  const rows = await db.query<Row>(
    sql`select id, status, end_time is not null as "hasEnded", version, open_wave as "openWave",
               json_build_object(
                 'deviceCount', device_count, 'pendingCount', pending_count, 'runningCount', running_count,
                 'succeededCount', succeeded_count, 'refusedCount', refused_count, 'failedCount', failed_count,
                 'skippedCount', skipped_count, 'cancelledCount', canceled_count
               ) as counts,
               coalesce((
                 select json_agg(json_build_object(
                   'number', split_part(target.device_id, '-', 3)::integer, 'isMarked', mark.job_key is not null,
                   'hasOutcome', ended.job_key is not null, 'code', ended.error_code, 'status', ended.response_status,
                   'isSkipped', ended.error_code is null and ended.error_description is not null,
                   'attempts', (
                     select count(*) from device_job_attempt earlier
                     where earlier.job_key = job.key and earlier.device_id = target.device_id
                   )
                 ))
                 from device_job target
                 left join device_job_dispatch mark on mark.job_key = job.key and mark.device_id = target.device_id
                 left join device_job_outcome ended on ended.job_key = job.key and ended.device_id = target.device_id
                 where target.job_key = job.key
               ), '[]') as devices,
               coalesce((
                 select json_agg(json_build_object(
                   'deviceCount', device_count, 'runningCount', running_count, 'succeededCount', succeeded_count,
                   'refusedCount', refused_count, 'skippedCount', skipped_count, 'failedCount', failed_count, 'cancelledCount', cancelled_count
                 ) order by wave)
                 from job_wave where job_key = job.key
               ), '[]') as waves,
               (select json_agg(type order by version) from job_event where job_key = job.key) as history,
               (
                 select count(*)::integer from budget_group
                 where job_key = job.key and running_count <> (
                   select count(*) from device_job target
                   join device_job_dispatch mark on mark.job_key = job.key and mark.device_id = target.device_id
                   where target.job_key = job.key and target.group_key = budget_group.group_key and not exists (
                     select from device_job_outcome ended where ended.job_key = job.key and ended.device_id = target.device_id
                   )
                 )
               ) as "wrongGroups"
        from job`,
    'read-pictures',
  )
  return new Map(rows.map((row) => [row.id, pictureOf(row)]))
}

function pictureOf({
  status,
  hasEnded,
  version,
  openWave,
  counts,
  devices,
  waves,
  history,
  wrongGroups,
}: Row): SeenPicture {
  const results: (string | null)[] = []
  for (const { number, isMarked, hasOutcome, code, status: answered, isSkipped, attempts } of devices) {
    const outcome = !hasOutcome ? undefined : code === null ? 'completed' : code === 'Canceled' ? 'canceled' : 'failed'
    const derived = deriveDeviceJobStatus({ outcome, dispatched: isMarked, jobStatus: status, jobEnded: hasEnded })
    const result = isSkipped ? 'skipped' : deviceJobResult(derived, answered)
    results[number] = attempts > 0 ? `${result} after ${attempts}` : result
  }
  return {
    status,
    hasEnded,
    version,
    openWave,
    counts: wrongGroups === 0 ? counts : { ...counts, wrongGroups },
    devices: Array.from(results, (result) => result ?? null),
    waves: waves.map((wave) => statisticsOf(wave, { status, hasEnded })),
    history,
  }
}
