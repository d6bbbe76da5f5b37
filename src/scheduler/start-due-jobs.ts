import { type BoundedReader, isOutOfTime, limitTimeUntil } from '../database/bounded-read.ts'
import { inTransaction, undoneOnFailure } from '../database/client.ts'
import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import { QueryConditionError } from '../errors.ts'
import { tooManyDevices } from '../job/preview.ts'
import { type JobStatus, jobTransitions } from '../job/state.ts'
import { awaitNext, findOverlapOf, isDeviceSelected, type Overlap } from '../job/store/awaited-jobs.ts'
import { settle } from '../job/store/facts.ts'
import { findJob, type JobRow } from '../job/store/jobs.ts'
import { expandRetry } from '../job/store/retries.ts'
import { clearTargets, expandJob, findTargetsOfTheGone } from '../job/store/targets.ts'
import { freezeZones } from '../job/store/time-windows.ts'
import {
  findStartable,
  lockEarlySelection,
  lockSelection,
  lockStarting,
  lockUnselected,
  type QueuedJob,
  queueDueJobs,
  saveFailed,
  saveSelected,
  saveStarted,
} from '../job/store/transitions.ts'
import { startWaves } from '../job/store/waves.ts'
import type { Limits } from '../limits/limits.ts'
import { compileDeviceCondition } from '../query/device-condition.ts'
import { compileGroupPath } from '../query/group-path.ts'
import { scopeOfJob } from '../query/scope.ts'
import type { Scope } from '../scope.ts'
import { createHeavyWork } from '../throttle/heavy-work.ts'
import { isTimeZone } from '../time-zone.ts'
import { createOverlapSearch, givesWay, giveWay, isStarted, type OverlapSearch } from './give-way.ts'
import { createJobByJob } from './job-by-job.ts'
import { earlier, type Step } from './loop.ts'
import { publishProgress } from './publish-progress.ts'
import { startWindow } from './turn-windows.ts'

/**
 * The selected devices of a job must not be kept: it was cancelled meanwhile, another job has taken its place, the
 * selection took too long for its place, or the hub stops.
 */
class Overtaken extends Error {}

/** A started job has some of the devices of the job, which gives way: nothing that was selected is kept. */
class Obstructed extends Error {
  readonly by: Overlap
  constructor(by: Overlap) {
    super(`Job "${by.id}" has some of its devices.`)
    this.by = by
  }
}

/** What the selection of the devices of a job has led to. `deviceCount` is left out when they were selected before. */
type Selected =
  | { readonly deviceCount?: number }
  | { readonly failure: string }
  /** A started job has some of the devices. */
  | { readonly obstacle: Overlap }

/** The scope that a job keeps no longer parses. */
class InvalidScope extends Error {}

/** For how many jobs devices are selected at a time: half of the connections are left for the rest of the scheduler. */
export const selectionsAtOnce = ({
  jobSelections,
  databaseConnections,
}: Pick<Limits, 'jobSelections' | 'databaseConnections'>): number =>
  Math.max(Math.min(jobSelections, Math.floor(databaseConnections / 2)), 1)

/**
 * The part of the time for a selection that one may take in the last place of its actor. If it takes longer, it waits
 * for another place, so that slow conditions of an actor do not delay its other jobs.
 */
export const shortShare = 1 / 30
/** Milliseconds from which on a selection is heavy: that of some thousand devices. */
const heavyFrom = 20
/**
 * Milliseconds for which the first selection of an actor runs alone, so that two heavy ones do not begin together: only
 * the end of one shows whether the actor's selections are heavy. A light one stands for those that begin as many
 * milliseconds after it.
 */
export const firstAlone = 2_000
/** Known long selections. To forget one costs a short time in the last place. */
const mostLong = 1_000

/**
 * Scheduled and due → queued → running, with its devices selected: one job per turn, at most `maxRunning` at a time. A job that
 * selects its devices at its creation does so in a turn before that, whether or not there is room for running jobs.
 * Several turns run at once: each selects the devices of another job, and no job waits for the devices of another.
 */
export function startDueJobs(deps: Deps, { maxRunning }: { readonly maxRunning: number }): Step & { close(): void } {
  const name = 'start-due-jobs'
  const jobs = createJobByJob(deps, name)
  const most = selectionsAtOnce(deps.limits)
  /** Places of one actor. */
  const each = Math.max(most - 1, 1)
  const closing = new AbortController()
  /** The jobs whose devices are being selected here, and since when. */
  const selecting = new Map<string, QueuedJob & { readonly begun: number }>()
  /** When the last light selection of an actor ended. */
  const lightTimes = new Map<string | null, number>()
  /** Whether a job waits because another selection of its actor runs alone. */
  let waitsForFirst = false
  /** Actors whose last selection took too long. */
  const slow = new Set<string | null>()
  /** Jobs whose selection took too long for the last place of their actor, with their actors. */
  const long = new Map<string, string | null>()

  /** The heavy selections of actors. */
  const heavyWork = createHeavyWork({ fromMs: heavyFrom, msPerSecond: deps.limits.heavyWork })

  const selectionsOf = (actor: string | null) => [...selecting.values()].filter((other) => other.actor === actor)
  const countOf = (actor: string | null): number => selectionsOf(actor).length

  /** How long the next selection of the actor waits because another one runs alone, in milliseconds. */
  const untilSecond = (actor: string | null, now: number): number => {
    if ((lightTimes.get(actor) ?? Number.NEGATIVE_INFINITY) > now - firstAlone) return 0
    return Math.max(...selectionsOf(actor).map(({ begun }) => begun + firstAlone - now), 0)
  }
  const restOf = (actor: string | null, now: number): number =>
    Math.max(heavyWork.restOf(actor, now), untilSecond(actor, now))

  /** Counts a selection that has ended. Those that waited for its end are looked at again. */
  const count = (actor: string | null, begun: number): void => {
    const now = deps.clock.elapsed()
    heavyWork.count(actor, now - begun, now)
    for (const [other, time] of lightTimes) if (time <= now - firstAlone) lightTimes.delete(other)
    if (now - begun < heavyFrom) lightTimes.set(actor, now)
    else lightTimes.delete(actor)
    if (waitsForFirst) deps.events.publish('work', 'jobs', {})
    waitsForFirst = false
  }

  /** Whether a job that is being started here has the device, so that another one with it would have to wait. */
  const willHave = (deviceId: string): boolean =>
    [...selecting.values()].some(({ commonDevice }) => commonDevice === deviceId)

  /** Whether the next selection of the actor would be in its last place, in which it may only take a short time. */
  const isLastPlace = (actor: string | null): boolean => each > 1 && countOf(actor) === each - 1

  /** The jobs not to look for now: their devices are being selected here, they wait for another place, or they could not be started. */
  const passedOver = (): readonly string[] => [
    ...selecting.keys(),
    ...[...long].filter(([, actor]) => isLastPlace(actor)).map(([id]) => id),
    ...jobs.resting(),
  ]

  /** The jobs that may be next. Jobs of an actor that keeps the hub busy come last, and leave room for others. */
  const inTurn = (queued: readonly QueuedJob[]): readonly QueuedJob[] => {
    const rank = ({ id, actor }: QueuedJob): number =>
      (slow.has(actor) ? most : 0) + (long.has(id) ? most : 0) + countOf(actor)
    const now = deps.clock.elapsed()
    return queued
      .filter(({ id, actor }) => !selecting.has(id) && !jobs.rests(id) && !(long.has(id) && isLastPlace(actor)))
      .filter(({ commonDevice }) => commonDevice === null || !willHave(commonDevice))
      .filter(({ actor }) => countOf(actor) < (heavyWork.isBusy(actor, now) ? 1 : each))
      .filter(({ actor }) => restOf(actor, now) === 0)
      .sort((one, other) => rank(one) - rank(other))
  }

  /** When the first of the actors of these jobs has rested enough; undefined when none has to rest. */
  const endOfRest = (queued: readonly QueuedJob[]): Date | undefined => {
    const now = deps.clock.elapsed()
    const rests = queued.map(({ actor }) => restOf(actor, now)).filter((rest) => rest > 0)
    waitsForFirst ||= queued.some(({ actor }) => untilSecond(actor, now) > 0)
    return rests.length === 0 ? undefined : new Date(deps.clock.now().getTime() + Math.ceil(Math.min(...rests)))
  }

  /** False when the job cannot start now, or not on this instance. */
  const start = async (queued: QueuedJob, now: Date): Promise<boolean> => {
    const { jobSelectionMs } = deps.limits
    const isShort = isLastPlace(queued.actor)
    const ms = isShort ? jobSelectionMs * shortShare : jobSelectionMs
    const begun = deps.clock.elapsed()
    selecting.set(queued.id, { ...queued, begun })
    try {
      const isDone = await inTransaction(
        deps,
        async (tx, afterCommit) => {
          const { isEarly } = queued
          const job = isEarly ? await lockEarlySelection(tx, queued) : await lockSelection(tx, queued, maxRunning)
          if (job === undefined) return false
          if (job.deadline <= now) {
            // Left to finish-jobs, which knows the reason: a job's max execution time ends there only.
            afterCommit(() => deps.events.publish('work', 'settled', {}))
            return false
          }
          const failure = whyWindowUnknown(job)
          const isSelected = job.selectedTime !== null
          const looksOut = !isEarly && givesWay(job)
          const findObstacle = looksOut ? createOverlapSearch(queued.key) : undefined
          const selected: Selected =
            failure !== undefined
              ? { failure }
              : isSelected && findObstacle === undefined
                ? {}
                : await select(tx, job, { ms, isShort, isEarly, findObstacle })
          const before = isEarly ? await lockUnselected(tx, job.id) : await lockStarting(tx, job.id, maxRunning)
          if (before === undefined) throw new Overtaken()
          afterCommit(() => deps.events.jobChanged(job.id))
          const savedTime = deps.clock.now()
          if ('obstacle' in selected) {
            // It may have ended while this job waited for the lock.
            if (!(await isStarted(tx, selected.obstacle))) throw new Overtaken()
            await giveWay(deps, tx, job, selected.obstacle, savedTime, afterCommit)
            return true
          }
          if ('failure' in selected) {
            await saveFailed(tx, job.id, { reason: selected.failure, now: savedTime })
            afterCommit(() => deps.events.publish('work', 'jobs', {}))
            return true
          }
          const { deviceCount = before.deviceCount } = selected
          if (!isSelected && hasTooMany(job, deviceCount)) {
            await clearTargets(tx, job.id)
            const reason = tooManyDevices(deviceCount, job.maxDevices)
            await saveFailed(tx, job.id, { reason, matchedCount: deviceCount, now: savedTime })
            afterCommit(() => deps.events.publish('work', 'jobs', {}))
            return true
          }
          if (isEarly) {
            await saveSelected(tx, job.id, { deviceCount, now: savedTime })
            afterCommit(() => deps.log.info({ job: job.id, devices: deviceCount }, 'devices of job selected'))
            return true
          }
          // Other instances may have started jobs since the devices were selected.
          const obstacle = await findObstacle?.(tx, deviceCount)
          if (obstacle !== undefined) {
            // Rolled back, which is faster than to delete under the lock. The next look finds it before the lock.
            if (!isSelected) throw new Overtaken()
            await giveWay(deps, tx, job, obstacle, savedTime, afterCommit)
            return true
          }
          const isContinuous = job.targets === 'continuous'
          const status = deviceCount === 0 && !isContinuous ? 'completed' : 'running'
          await saveStarted(tx, job.id, { status, deviceCount, isSelected, now: savedTime })
          if (job.waves !== null) await startWaves(tx, job.id, savedTime)
          if (status === 'running') await startWindow(tx, job, deviceCount)
          if (isSelected) await failTheGone(deps, tx, job.id, savedTime, afterCommit)
          afterCommit(() => {
            deps.metrics?.count('twincast_jobs_started_total', {})
            deps.log.info({ job: job.id, devices: deviceCount }, 'job started')
            deps.events.publish('work', 'started', {})
            if (job.window !== null) deps.events.publish('work', 'windows', {})
            if (isContinuous) deps.events.publish('work', 'continuous', {})
          })
          return true
        },
        jobSelectionMs,
      )
      if (isDone) long.delete(queued.id)
      return isDone
    } catch (error) {
      if (error instanceof Overtaken) return false
      throw error
    } finally {
      selecting.delete(queued.id)
      count(queued.actor, begun)
    }
  }

  /**
   * Selects the devices, unless they were selected before, while the job still waits. After a failure, and when it has to give way,
   * its writes are rolled back.
   */
  const select = async (
    tx: Tx,
    job: JobRow,
    {
      ms,
      isShort,
      isEarly,
      findObstacle,
    }: {
      readonly ms: number
      readonly isShort: boolean
      readonly isEarly: boolean
      readonly findObstacle: OverlapSearch | undefined
    },
  ): Promise<Selected> => {
    const stopping = new AbortController()
    const waits = (status: JobStatus): boolean =>
      isEarly ? jobTransitions[status].cancel !== undefined : status === 'queued'
    const signal = AbortSignal.any([closing.signal, stopping.signal])
    const stopListening = deps.events.listen(
      'job',
      job.id,
    )(() => {
      findJob(deps.db, job.id).then(
        (found) => !(found !== undefined && waits(found.status)) && stopping.abort(),
        () => {}, // the change is seen at the end
      )
    })
    const { actor = null, commonDevice = null } = selecting.get(job.id) ?? {}
    try {
      const deviceCount = await undoneOnFailure(tx, () =>
        limitTimeUntil(deps.db, tx, { ms, signal }, async (bounded) => {
          const known =
            findObstacle && commonDevice !== null ? await findKnownObstacle(bounded, job, commonDevice) : undefined
          if (known !== undefined) throw new Obstructed(known)
          const count = job.selectedTime === null ? await selectDevices(bounded, job) : undefined
          if (count !== undefined && hasTooMany(job, count)) return count
          const obstacle = await findObstacle?.(bounded, count)
          if (obstacle !== undefined) throw new Obstructed(obstacle)
          return count
        }),
      )
      slow.delete(actor)
      return deviceCount === undefined ? {} : { deviceCount }
    } catch (error) {
      if (signal.aborted) throw new Overtaken()
      if (error instanceof Obstructed) return { obstacle: error.by }
      if (isShort && isOutOfTime(error)) {
        if (long.size >= mostLong) long.clear()
        long.set(job.id, actor)
        throw new Overtaken()
      }
      if (isOutOfTime(error)) slow.add(actor)
      const failure = whyItCannotStart(error, ms / 1000)
      if (failure === undefined) throw error
      return { failure }
    } finally {
      stopListening()
    }
  }

  /** Jobs that would only find that they have to wait for the next one do so without a look. Returns whether there were any. */
  const waitOn = async (): Promise<boolean> => {
    const ids = await deps.db.autocommit(awaitNext)
    for (const jobId of ids) deps.events.jobChanged(jobId)
    return ids.length > 0
  }

  return {
    name,
    every: 5_000,
    atOnce: most,
    wokenBy: ['jobs'],
    async run(now) {
      const found = await findStartable(deps.db, now, { maxRunning, most, passedOver: passedOver() })
      if (found.isDue) {
        const ids = await inTransaction(deps, (tx) => queueDueJobs(tx, now))
        for (const jobId of ids) deps.events.jobChanged(jobId)
        // For the other loops, which sleep longer.
        if (ids.length > 0) deps.events.publish('work', 'jobs', {})
      }
      const haveMoved = found.queued.some(({ commonDevice }) => commonDevice !== null) && (await waitOn())
      const { queued, next } =
        found.isDue || haveMoved
          ? await findStartable(deps.db, now, { maxRunning, most, passedOver: passedOver() })
          : found
      const known = long.size
      for (let [job] = inTurn(queued), left = queued; job !== undefined; [job] = inTurn(left)) {
        const { id } = job
        if ((await jobs.attempt(id, () => start(job, now))) === true) return { done: 1, full: true }
        left = left.filter((other) => other.id !== id)
      }
      // The jobs behind those that are passed over from now on were not found yet.
      return {
        done: 0,
        full: long.size > known,
        next: [endOfRest(queued), jobs.next()].reduce(earlier, next ?? undefined),
      }
    },
    /** Aborts selections under way; their jobs stay queued. */
    close: () => closing.abort(),
  }
}

/** Devices per page of those that do not exist any more: at most so many outcomes have the same version. */
const gonePage = 1_000

/** Devices that were deleted since they were selected → failed. The job has just started, in the same transaction. */
async function failTheGone(
  deps: Deps,
  tx: Tx,
  jobId: string,
  now: Date,
  afterCommit: (work: () => void) => void,
): Promise<void> {
  for (let after = ''; ; ) {
    const deviceIds = await findTargetsOfTheGone(tx, jobId, after, gonePage)
    if (deviceIds.length > 0) {
      const error = { code: 'DeviceNotFound', description: 'The device was deleted before the job reached it.' }
      const settlements = deviceIds.map((deviceId) => ({ jobId, deviceId, error }))
      const progress = await settle(tx, settlements, 'pending', now)
      afterCommit(() => publishProgress(deps, settlements, progress))
    }
    if (deviceIds.length < gonePage) return
    after = deviceIds.at(-1) ?? ''
  }
}

type Limited = { readonly maxDevices: number }

/** Whether the job has more devices than it may have. */
const hasTooMany = <Job extends Pick<JobRow, 'maxDevices'>>(job: Job, deviceCount: number): job is Job & Limited =>
  job.maxDevices !== null && deviceCount > job.maxDevices

/**
 * A started job that still has the device that kept the job from starting: then its other devices need not be selected. Which device jobs
 * a retry repeats never changes, because its source has ended, so its condition decides, too.
 */
async function findKnownObstacle(
  tx: Tx & BoundedReader,
  job: JobRow,
  commonDevice: string,
): Promise<Overlap | undefined> {
  const wasSelected = job.selectedTime !== null
  const condition = compileDeviceCondition(job.queryCondition)
  if (!wasSelected && !(await isDeviceSelected(tx, readScope(job.scope), condition, commonDevice))) return undefined
  return findOverlapOf(tx, commonDevice)
}

/** Returns the number of devices. */
async function selectDevices(tx: Tx & BoundedReader, job: JobRow): Promise<number> {
  const { id, retry, waves, budgetGroupBy } = job
  const scope = readScope(job.scope)
  const condition = compileDeviceCondition(job.queryCondition)
  const groupBy = budgetGroupBy === null ? undefined : compileGroupPath(budgetGroupBy)
  const deviceCount =
    retry === null
      ? await expandJob(tx, scope, id, condition, { waves, groupBy })
      : await expandRetry(tx, scope, id, condition, waves, retry, groupBy)
  const zone = job.window?.timeZoneFrom && compileGroupPath(job.window.timeZoneFrom)
  if (zone) await freezeZones(tx, id, zone)
  return deviceCount
}

function readScope(parts: JobRow['scope']): Scope {
  try {
    return scopeOfJob(parts)
  } catch (error) {
    throw error instanceof QueryConditionError ? new InvalidScope(error.message) : error
  }
}

/** Another version of the hub or of Node.js may have accepted the time zone. The jobs behind this one must not wait for it. */
function whyWindowUnknown({ window }: JobRow): string | undefined {
  const timeZone = window?.timeZone
  if (timeZone === undefined || isTimeZone(timeZone)) return undefined
  return `The hub does not know the time zone "${timeZone}" of the window.`
}

/** Undefined for a fault that may pass. A job that can never start must not block the jobs behind it. */
function whyItCannotStart(error: unknown, seconds: number): string | undefined {
  // Both parsed when the job was scheduled: an older version of the language accepted them.
  if (error instanceof InvalidScope) return `The scope of the job is no longer valid: ${error.message}`
  if (error instanceof QueryConditionError) return `The query condition is no longer valid: ${error.message}`
  if (isOutOfTime(error)) {
    return `Selecting the devices took more than ${seconds} seconds. Narrow the query condition and schedule the job again.`
  }
  return undefined
}
