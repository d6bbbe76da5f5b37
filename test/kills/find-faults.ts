import type { Pool } from 'pg'
import { callOfRequestId } from '../../src/job/request-id.ts'
import type { TimeWindow } from '../../src/job/time-window.ts'
import type { LedgerEntry } from '../../src/simulator/received-calls.ts'
import { delayOf } from './kills.ts'
import { joiningTag } from './operators.ts'

type Row = {
  readonly jobId: string
  readonly isMethod: boolean
  readonly status: string
  readonly counts: readonly number[]
  readonly budget: number | null
  readonly isContinuous: boolean
  readonly window: TimeWindow | null
  readonly devices: readonly {
    readonly deviceId: string
    readonly site: string
    readonly opened: number | null
    readonly isMarked: boolean
    readonly isEnded: boolean
    readonly code: string | null
    readonly status: number | null
    /** When the attempt after each that was repeated could begin, in milliseconds since 1970. */
    readonly nextAttempts: readonly number[]
  }[]
}

const jobs = `
  select id as "jobId", type = 'scheduleDeviceMethod' as "isMethod", job.status, budget_max_concurrent as budget,
         coalesce(targets = 'continuous', false) as "isContinuous", rollout -> 'window' as window,
         array[
           job.device_count, job.pending_count, job.running_count, job.succeeded_count, job.failed_count, job.canceled_count
         ] as counts,
         coalesce(json_agg(json_build_object(
           'deviceId', target.device_id, 'site', tags ->> 'site', 'isMarked', mark.job_key is not null,
           'opened', extract(epoch from opened_time) * 1000, 'isEnded', ended.job_key is not null, 'code', error_code,
           'status', response_status, 'nextAttempts', array(
             select extract(epoch from not_before) * 1000 from device_job_attempt earlier
             where earlier.job_key = key and earlier.device_id = target.device_id order by attempt
           )
         )) filter (where target.job_key is not null), '[]') as devices
  from job
  left join device_job target on target.job_key = key
  left join twin on twin.device_id = target.device_id
  left join job_wave opened on opened.job_key = key and opened.wave = target.wave
  left join device_job_dispatch mark on mark.job_key = key and mark.device_id = target.device_id
  left join device_job_outcome ended on ended.job_key = key and ended.device_id = target.device_id
  where end_time is not null
  group by job.id`

/** A device that is called in the same millisecond as its answer is sent may have its timer a millisecond early. */
const timerSlack = 3

/** The items by a key, in their order. */
function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): ReadonlyMap<Key, readonly Item[]> {
  const groups = new Map<Key, Item[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}

/** Milliseconds in a day at a time of day. */
const timeOf = (text: string): number => Date.parse(`1970-01-01T${text}Z`)
const day = 24 * 60 * 60 * 1_000

/** Whether a moment is in a window, which is in UTC. */
const isInWindow = ({ from, to }: TimeWindow, time: number): boolean =>
  (time - timeOf(from) + day) % day < (timeOf(to) - timeOf(from) + day) % day

/** Compares the rows of ended jobs with what the devices received. The method of a call is named after its job. */
export async function findFaults(
  pool: Pool,
  { accepted, ledger }: { readonly accepted: readonly string[]; readonly ledger: readonly LedgerEntry[] },
): Promise<string[]> {
  const faults: string[] = []
  const { rows } = await pool.query<Row>(jobs)
  const known = new Set(rows.map(({ jobId }) => jobId))
  for (const jobId of accepted)
    if (!known.has(jobId)) faults.push(`${jobId}: was accepted and has not ended, or is unknown`)
  const [hub] = (await pool.query<{ key: string }>("select encode(request_key, 'hex') as key from hub")).rows
  const { rows: twins } = await pool.query<{ deviceId: string; tags: Readonly<Record<string, unknown>> }>(
    `select device_id as "deviceId", tags from twin order by device_id`,
  )
  const received = groupBy(ledger, ({ methodName }) => methodName)
  for (const { jobId, isMethod, status, counts, budget, isContinuous, window, devices } of rows) {
    const calls = (received.get(jobId) ?? []).toSorted((one, other) => one.time - other.time)
    const callsOf = groupBy(calls, ({ deviceId }) => deviceId)
    const fault = (what: string): void => void faults.push(`${jobId}: ${what}`)
    const matching = isContinuous ? twins.filter(({ tags }) => tags[joiningTag(jobId)] === true) : twins
    const joined = new Set(devices.map(({ deviceId }) => deviceId))
    const missing = matching.filter(({ deviceId }) => !joined.has(deviceId))
    const mayBeEmpty = status !== 'completed'
    // Devices may have started to meet the condition after the job was cancelled.
    if (missing.length > 0 && !(mayBeEmpty && (devices.length === 0 || isContinuous)))
      fault(`has ${devices.length} devices, without ${missing.map(({ deviceId }) => deviceId).join(', ')}`)
    if (devices.length > matching.length)
      fault(`has ${devices.length} devices, and ${matching.length} meet its condition`)
    for (const { deviceId, time } of window === null ? [] : calls)
      if (window !== null && !isInWindow(window, time)) fault(`${deviceId} was called outside the window`)
    let [succeeded, failed, cancelled] = [0, 0, 0]
    for (const { deviceId, opened, isMarked, isEnded, code, status: answered, nextAttempts } of devices) {
      const ofDevice = callsOf.get(deviceId) ?? []
      const [first] = ofDevice
      const attempts = new Set<number>()
      for (const { rid, time } of ofDevice) {
        const { attempt = 0 } = callOfRequestId(hub?.key ?? '', rid, deviceId) ?? {}
        if (attempts.has(attempt)) fault(`${deviceId} was called twice in attempt ${attempt}`)
        attempts.add(attempt)
        if (attempt < 1 || attempt > nextAttempts.length + (isMarked ? 1 : 0))
          fault(`${deviceId} was called without a mark in attempt ${attempt}`)
        if (time < Math.floor(nextAttempts[attempt - 2] ?? 0))
          fault(`${deviceId} was called too early in attempt ${attempt}`)
      }
      if (first !== undefined && opened !== null && first.time < Math.floor(opened))
        fault(`${deviceId} was called before its wave`)
      if (isEnded && code === null) {
        succeeded++
        if (isMethod && first === undefined) fault(`${deviceId} has answered ${answered}, but was not called`)
      } else if (code === 'Canceled' || (!isEnded && !isMarked && status === 'cancelled')) {
        cancelled++
        if (first !== undefined && nextAttempts.length === 0) fault(`${deviceId} was cancelled, but was called`)
      } else failed++
    }
    const expected = [devices.length, 0, 0, succeeded, failed, cancelled]
    if (counts.join() !== expected.join())
      fault(`its counters are ${counts}, and its device jobs amount to ${expected}`)
    if (budget !== 1) continue
    const bySite = groupBy(calls, ({ deviceId }) => devices.find((device) => device.deviceId === deviceId)?.site)
    for (const [site, ofSite] of bySite) {
      for (const [index, { deviceId, time }] of ofSite.entries()) {
        const next = ofSite[index + 1]
        const delay = delayOf(Number(deviceId.slice(deviceId.lastIndexOf('-') + 1)))
        if (next !== undefined && next.time < time + delay - timerSlack) {
          fault(`${next.deviceId} was called while ${deviceId} of the same ${site} had not answered`)
        }
      }
    }
  }
  return faults
}
