import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { countSkipped, lockOpenJobs, payRate, readRoom, type Settlement, settle } from '../job/store/facts.ts'
import { findTwinUpdate, findWaitingJobs, type JobWithWork } from '../job/store/jobs.ts'
import { findOpenTargets, findOpenTargetsInWaves, type WavePlace } from '../job/store/targets.ts'
import type { TwinPatch } from '../twin/check-patch.ts'
import { makesTwinsLarge, patchTwins, publishPatches } from '../twin/commands.ts'
import { createJobByJob } from './job-by-job.ts'
import { earlier, type Step } from './loop.ts'
import { publishProgress } from './publish-progress.ts'

/** The devices that a batch has processed and the last of them, whether it left some, and the bytes of the large twins in it. */
type Batch = {
  readonly deviceIds: readonly string[]
  readonly last?: WavePlace | undefined
  readonly isCut: boolean
  readonly largeBytes: number
  /** Milliseconds until the rate of the job leaves room again. */
  readonly waitMs?: number
}

/** Before the first device of a wave. Without waves, its number says nothing. */
const beginOf = (wave: number | null): WavePlace => ({ wave: wave ?? 0, deviceId: '' })

const nothing: Batch = { deviceIds: [], isCut: false, largeBytes: 0 }

/** Patches that are kept, of a megabyte at most. */
const knownPatches = 16

/** Twins per transaction: enough to be efficient, few enough that a cancel need not wait long for the job's row. */
const batch = 500

/**
 * Pending → twin patched and settled, in one transaction: the patch takes effect exactly once, even if a process is
 * killed. Jobs take turns, at the pace of the throttle. A batch with a large twin ends after it, and the job pauses for
 * as long as the budget of such twins says; other jobs go on.
 */
export function dispatchTwinUpdates(deps: Deps): Step {
  const name = 'dispatch-twin-updates'
  const jobs = createJobByJob(deps, name)
  /** How far each job has been processed. It may be lost: targets with an outcome are not selected again. */
  const cursors = new Map<string, WavePlace>()
  /** The job whose turn it was when the throttle was exhausted. */
  let held: string | undefined
  /** How many twins to lock for jobs whose batches end early, because of large twins. */
  const sizes = new Map<string, number>()
  /** When jobs with large twins go on, by the clock that never goes back; they share the budget. So do jobs whose rate is used up. */
  const dueTimes = new Map<string, number>()
  /**
   * Jobs of whose devices that may have their turn none is left, until another time window or wave is opened or the job is resumed:
   * the others need not be read again and again.
   */
  const exhausted = new Map<string, string>()
  /** The `resumedVersion` of jobs when their rate was used up: with another rate, they need not wait any longer. */
  const rateVersions = new Map<string, number | null>()
  /** The patches of some jobs, which never change: a large one takes milliseconds to read, and each of its twins is a batch. */
  const patches = new Map<string, TwinPatch>()
  let paidUntil = 0

  /** When the job may go on after a batch with so many bytes of large twins; undefined for at once. */
  const dueAfter = (largeBytes: number): number | undefined => {
    if (largeBytes === 0) return undefined
    const cost = Math.ceil((largeBytes * 1000) / deps.limits.largeTwinUpdates)
    paidUntil = Math.max(paidUntil, deps.clock.elapsed()) + cost
    return paidUntil
  }

  const firstDue = (): Date | undefined => {
    if (dueTimes.size === 0) return undefined
    const pause = Math.min(...dueTimes.values()) - deps.clock.elapsed()
    return new Date(deps.clock.now().getTime() + Math.ceil(pause))
  }

  const dispatchBatch = (
    jobId: string,
    patch: TwinPatch,
    wanted: number,
    {
      isRated,
      firstWave,
      hasWindow,
      skipCompliant,
    }: {
      readonly isRated: boolean
      readonly firstWave: number | null
      readonly hasWindow: boolean
      readonly skipCompliant: boolean
    },
    now: Date,
  ): Promise<Batch> =>
    inTransaction(deps, async (tx, afterCommit) => {
      const open = await lockOpenJobs(tx, [jobId], 'running')
      if (!open.has(jobId)) return nothing
      const { room, waitMs } = isRated ? await readRoom(tx, jobId) : { room: wanted, waitMs: 0 }
      if (room === 0) return { ...nothing, waitMs }
      const limit = Math.min(wanted, room)
      // Read under the lock, so that two instances never patch the same device for one job. Of a job with time windows, devices are
      // read whose window is open now.
      const begin = beginOf(firstWave)
      const after = cursors.get(jobId) ?? begin
      const places =
        firstWave === null
          ? (await findOpenTargets(tx, jobId, after.deviceId, limit, { hasWindow })).map((deviceId) => ({
              ...begin,
              deviceId,
            }))
          : await findOpenTargetsInWaves(tx, jobId, after, limit, { hasWindow })
      const deviceIds = places.map(({ deviceId }) => deviceId)
      if (deviceIds.length === 0) return nothing
      const result = await patchTwins(deps, tx, deviceIds, patch, now, { skipCompliant })
      const settlements: Settlement[] = [
        ...result.deviceIds.map((deviceId) => ({ jobId, deviceId })),
        ...result.skipped.map((deviceId) => ({ jobId, deviceId, skipped: true as const })),
        ...result.refused.map(({ deviceId, error }) => ({
          jobId,
          deviceId,
          error: { code: 'ArgumentInvalid', description: error.message },
        })),
        ...result.missing.map((deviceId) => ({
          jobId,
          deviceId,
          error: { code: 'DeviceNotFound', description: 'The device was deleted before the job reached it.' },
        })),
      ]
      const progress = await settle(tx, settlements, 'pending', now)
      if (result.skipped.length > 0) await countSkipped(tx, jobId, result.skipped)
      afterCommit(() => {
        publishPatches(deps, result)
        publishProgress(deps, settlements, progress)
      })
      const { postponed, largeBytes } = result
      const [next] = postponed
      const done = next === undefined ? deviceIds : deviceIds.slice(0, deviceIds.indexOf(next))
      // A device that was skipped has nothing to do, so it does not count for the rate.
      const skipped = new Set(result.skipped)
      const turns = done.filter((deviceId) => !skipped.has(deviceId)).length
      // To pay nothing would forget what was saved up.
      if (isRated && turns > 0) await payRate(tx, jobId, turns)
      return { deviceIds: done, last: places[done.length - 1], isCut: next !== undefined, largeBytes }
    })

  return {
    name,
    every: 5_000,
    wokenBy: ['started'],
    async run(now) {
      const waiting = await findWaitingJobs(deps.db, 'scheduleUpdateTwin')
      const jobIds = waiting.map(({ id }) => id)
      for (const known of [cursors, sizes, dueTimes, rateVersions, exhausted, patches]) {
        for (const jobId of known.keys()) if (!jobIds.includes(jobId)) known.delete(jobId)
      }
      for (const { id, resumedVersion } of waiting) {
        if (!rateVersions.has(id) || rateVersions.get(id) === resumedVersion) continue
        rateVersions.delete(id)
        dueTimes.delete(id)
      }
      let done = 0
      /** Whether a job is read from its beginning again: devices may have joined before the place where it was. */
      let begins = false
      /** Whether the throttle is exhausted, and until when: the other jobs have their turn then. */
      const pause: { isOn: boolean; next?: Date | undefined } = { isOn: false }
      await jobs.each(
        startingWith(held, waiting),
        ({ id }) => id,
        async (work) => {
          if (pause.isOn) return
          const { id: jobId, isNew, resumedVersion, firstWave } = work
          if ((dueTimes.get(jobId) ?? 0) > deps.clock.elapsed()) return
          if (exhausted.get(jobId) === turnOf(work)) return
          const job = await findTwinUpdate(deps.db, jobId, { isPatchKnown: patches.has(jobId) })
          const patch = patches.get(jobId) ?? job?.patch
          if (job === undefined || patch === undefined || patch === null) return
          if (patches.size < knownPatches) patches.set(jobId, patch)
          const size = sizes.get(jobId) ?? (makesTwinsLarge(patch) ? 1 : batch)
          const { granted, next } = deps.throttles.pace(size)
          if (granted === 0) {
            held = jobId
            pause.isOn = true
            pause.next = next
            return
          }
          let processed = nothing
          try {
            processed = await dispatchBatch(
              jobId,
              patch,
              granted,
              {
                isRated: job.maxPerMinute !== null,
                firstWave,
                hasWindow: job.window !== null,
                skipCompliant: job.skipCompliant,
              },
              now,
            )
          } finally {
            deps.throttles.giveBack(granted - processed.deviceIds.length)
          }
          const { deviceIds, last, isCut, largeBytes, waitMs } = processed
          if (waitMs !== undefined) {
            dueTimes.set(jobId, deps.clock.elapsed() + waitMs)
            rateVersions.set(jobId, waiting.find(({ id }) => id === jobId)?.resumedVersion ?? null)
            return
          }
          rateVersions.delete(jobId)
          done += deviceIds.length
          if (deviceIds.length > 0 && isNew && resumedVersion === null && job.window === null) {
            const seconds = (deps.clock.now().getTime() - job.startTime.getTime()) / 1000
            deps.metrics?.observe('twincast_job_dispatch_delay_seconds', { type: 'twin' }, seconds)
          }
          // After the last page it starts again from the beginning, in case any were missed: from the first wave that has waiting
          // devices.
          if (last !== undefined) cursors.set(jobId, last)
          else if (cursors.delete(jobId)) begins = true
          // Others wait for their windows.
          else if (!isCut && job.window?.timeZoneFrom !== undefined) exhausted.set(jobId, turnOf(work))
          sizes.set(jobId, Math.min(2 * (isCut ? Math.max(deviceIds.length, 1) : size), batch))
          const due = dueAfter(largeBytes)
          if (due !== undefined) dueTimes.set(jobId, due)
          else dueTimes.delete(jobId)
        },
      )
      if (pause.isOn) return { done, full: false, next: earlier(pause.next, jobs.next()) }
      return {
        done,
        full: (done > 0 || begins) && dueTimes.size < jobIds.length,
        next: earlier(firstDue(), jobs.next()),
      }
    },
  }
}

/** What has to change before more devices of a job may have their turn. */
const turnOf = ({ resumedVersion, openWave, openings }: JobWithWork): string =>
  [resumedVersion, openWave, ...(openings?.toSorted() ?? [])].join('/')

function startingWith(jobId: string | undefined, jobs: readonly JobWithWork[]): JobWithWork[] {
  const first = Math.max(
    jobs.findIndex(({ id }) => id === jobId),
    0,
  )
  return [...jobs.slice(first), ...jobs.slice(0, first)]
}
