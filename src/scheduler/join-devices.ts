import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { QueryConditionError } from '../errors.ts'
import {
  type ContinuousJob,
  claimLook,
  findContinuousJobs,
  findJoining,
  findWaitingConnected,
  type JoiningDevice,
  postponeLook,
  saveJoined,
} from '../job/store/joins.ts'
import type { Limits } from '../limits/limits.ts'
import { compileDeviceCondition } from '../query/device-condition.ts'
import { compileGroupPath } from '../query/group-path.ts'
import { scopeOfJob } from '../query/scope.ts'
import { createJobByJob } from './job-by-job.ts'
import { earlier, type Step } from './loop.ts'
import { shortShare } from './start-due-jobs.ts'

/** Milliseconds between two turns: a job asks about changed devices once per second at most. */
const pause = 1_000
/** Milliseconds after which all devices are looked at again. */
const lookInterval = 60_000
/** Devices that are saved by one statement. */
const batch = 1_000
/** Devices that are found by one statement, which also reads those that joined before. */
const mostFound = 50_000
/** Beyond so many changed devices, all devices are looked at. */
const mostChanged = 10_000
/** A look that took t comes again after 20 t at the earliest, so that a slow condition does not keep the database busy. */
const restFactor = 20

/** What is to be looked at for a job: devices that changed, or all of them. */
type Look = {
  readonly job: ContinuousJob
  readonly deviceIds: ReadonlySet<string>
  /** All devices, although the job is not due. */
  readonly isForced: boolean
  /** Another instance may have died after it let devices join and before it said so. */
  readonly isUnannounced: boolean
}

const joinLooks = (one: Look | undefined, other: Look): Look => {
  if (one === undefined) return other
  const deviceIds = one.deviceIds.size === 0 ? other.deviceIds : new Set([...one.deviceIds, ...other.deviceIds])
  const isTooMuch = deviceIds.size > mostChanged
  return {
    job: other.job,
    deviceIds: isTooMuch ? new Set() : deviceIds,
    isForced: one.isForced || other.isForced || isTooMuch,
    isUnannounced: one.isUnannounced || other.isUnannounced,
  }
}

const isEmpty = ({ job, deviceIds, isForced, isUnannounced }: Look): boolean =>
  deviceIds.size === 0 && !isForced && !isUnannounced && !job.isDue

/** For how many jobs devices are looked for at a time: half of the connections for reads with a time limit are left for clients. */
const looksAtOnce = ({
  jobSelections,
  databaseReadConnections,
}: Pick<Limits, 'jobSelections' | 'databaseReadConnections'>): number =>
  Math.max(Math.min(jobSelections, Math.floor(databaseReadConnections / 4)), 1)

/** The time of a look that has a short time only, because it is in the last place, was not enough. */
class NeedsAnotherPlace extends Error {}

/**
 * Devices that start to meet the condition of a continuous job → targets of it. It looks at devices of which an event said that
 * they changed, and at all of them when it begins to listen and once per minute: then nothing depends on an event. Each device
 * joins once, by the primary key of the targets, through whichever instance. Without continuous jobs it listens to nothing and
 * reads one index per minute.
 *
 * Several turns run at once, each for another job, so that no job waits for the slow condition of another. In the last place, a
 * look has a short time only; if that is not enough, its job waits for another place.
 */
export function joinDevices(deps: Deps): Step & { close(): void } {
  const name = 'join-devices'
  const jobByJob = createJobByJob(deps, name)
  let changed = new Set<string>()
  /** Devices may have changed of which no event said so. */
  let mayHaveMissed = false
  /** Another instance may have died after it let devices join and before it said so. */
  let mayBeUnannounced = false
  let stopListening: (() => void)[] = []
  let restUntil = 0
  /** Whether a turn will come at the end of the rest. */
  let isPlanned = false
  const places = looksAtOnce(deps.limits)
  /** What is to be looked at next for each job. After a failure everything, because what was known may be incomplete. */
  const wanted = new Map<string, Look>()
  /** The jobs that are being looked at. */
  const looking = new Set<string>()
  /** Jobs whose last look took too long for the last place. */
  const slow = new Set<string>()

  const wake = (): void => deps.events.publish('work', 'changedDevices', {})
  const note = (deviceIds: readonly string[]): void => {
    const isFirst = changed.size === 0
    for (const deviceId of deviceIds) changed.add(deviceId)
    if (changed.size > mostChanged) {
      changed.clear()
      mayHaveMissed = true
    }
    if (isFirst) wake()
  }

  const watch = (isWanted: boolean): void => {
    if (isWanted === stopListening.length > 0) return
    for (const stop of stopListening) stop()
    // Devices that changed before it listened.
    mayHaveMissed ||= isWanted
    const { events } = deps
    stopListening = isWanted
      ? [
          events.listen('anyTwin')(({ deviceId }) => note([deviceId])),
          events.listen('twinsElsewhere')(({ deviceIds }) => note(deviceIds)),
          events.listen('registered')(({ deviceIds }) => note(deviceIds)),
          events.listen('identity')(({ deviceId }) => note([deviceId])),
          events.listen('presence')(({ deviceIds }) => note(deviceIds)),
          events.listen('missed')(() => {
            mayHaveMissed = true
            wake()
          }),
          events.listen('died')(() => {
            mayHaveMissed = true
            mayBeUnannounced = true
            wake()
          }),
        ]
      : []
  }

  /** Wakes those who call or patch these devices. Harmless for devices that did not join. */
  const announce = ({ id, type }: ContinuousJob, deviceIds: readonly string[]): void => {
    deps.events.jobChanged(id)
    deps.events.publish('work', 'started', {})
    if (type === 'scheduleDeviceMethod') deps.events.publish('waiting', { deviceIds })
  }

  /** Returns how many joined. */
  const save = async (job: ContinuousJob, joining: readonly JoiningDevice[]): Promise<number> => {
    try {
      const { deviceIds, isCancelled } = await inTransaction(deps, (tx) =>
        saveJoined(tx, job.id, joining, deps.clock.now()),
      )
      if (deviceIds.length > 0) deps.log.info({ job: job.id, devices: deviceIds.length }, 'devices joined job')
      if (isCancelled) deps.events.publish('work', 'settled', {})
      return deviceIds.length
    } finally {
      // A commit without an answer may have succeeded.
      announce(
        job,
        joining.map(({ deviceId }) => deviceId),
      )
    }
  }

  /** Lets devices join, among the given or all. Returns how many did. */
  const look = async (job: ContinuousJob, among: readonly string[] | undefined, isShort: boolean): Promise<number> => {
    const { id, queryCondition, budgetGroupBy } = job
    const scope = scopeOfJob(job.scope)
    const condition = compileDeviceCondition(queryCondition)
    const groupBy = budgetGroupBy === null ? undefined : compileGroupPath(budgetGroupBy)
    const begun = deps.clock.elapsed()
    const { jobSelectionMs } = deps.limits
    const shortMs = jobSelectionMs * shortShare
    const found = await deps.db.boundedRead(
      { caller: `devices that join the job ${id}` },
      isShort ? shortMs : jobSelectionMs,
      (reader) => findJoining(reader, scope, condition, { jobId: id, among, groupBy, limit: mostFound }),
    )
    const ms = found === undefined ? jobSelectionMs : deps.clock.elapsed() - begun
    if (ms > shortMs) slow.add(id)
    else slow.delete(id)
    if (found === undefined && isShort) throw new NeedsAnotherPlace()
    if (found === undefined) deps.log.warn({ job: id }, 'looking for devices that join took too long')
    if (among === undefined && ms * restFactor > lookInterval) {
      const seconds = (ms * restFactor - lookInterval) / 1000
      await deps.db.autocommit((tx) => postponeLook(tx, id, seconds))
    }
    if (found === undefined || found.length === 0) return 0
    let joined = 0
    for (let from = 0; from < found.length; from += batch) {
      const count = await save(job, found.slice(from, from + batch))
      // The job is full, is paused or has ended, or another instance was faster.
      if (count === 0) return joined
      joined += count
    }
    return found.length === mostFound && joined > 0 ? joined + (await look(job, among, isShort)) : joined
  }

  const join = async ({ job, deviceIds, isForced }: Look, isShort: boolean): Promise<number> => {
    try {
      if (isForced || job.isDue) {
        const isMine = await deps.db.autocommit((tx) => claimLook(tx, job.id, isForced))
        if (isMine) return await look(job, undefined, isShort)
      }
      const ids = [...deviceIds]
      let joined = 0
      for (let from = 0; from < ids.length; from += batch) {
        joined += await look(job, ids.slice(from, from + batch), isShort)
      }
      return joined
    } catch (error) {
      // It parsed when the job was scheduled: an older version of the language accepted it.
      if (!(error instanceof QueryConditionError)) throw error
      deps.log.warn({ job: job.id, err: error }, 'no devices join the job: its condition is no longer valid')
      return 0
    }
  }

  /** Devices that joined through an instance that died are called by those that they are connected to. */
  const announceAgain = async (job: ContinuousJob): Promise<void> => {
    if (!job.isAnyWaiting || job.type !== 'scheduleDeviceMethod') return
    for (let after = ''; ; ) {
      const deviceIds = await findWaitingConnected(deps.db, job.id, after, batch)
      if (deviceIds.length > 0) announce(job, deviceIds)
      if (deviceIds.length < batch) return
      after = deviceIds.at(-1) ?? ''
    }
  }

  /** Divides what has changed among the jobs. */
  const divide = async (): Promise<void> => {
    restUntil = deps.clock.elapsed() + pause
    isPlanned = false
    const jobs = await findContinuousJobs(deps.db)
    watch(jobs.length > 0)
    if (jobs.length === 0) restUntil = 0
    const ids = new Set(jobs.map(({ id }) => id))
    for (const id of wanted.keys()) if (!ids.has(id)) wanted.delete(id)
    for (const id of slow) if (!ids.has(id)) slow.delete(id)
    const news = { deviceIds: changed, isForced: mayHaveMissed, isUnannounced: mayBeUnannounced }
    changed = new Set()
    mayHaveMissed = false
    mayBeUnannounced = false
    for (const job of jobs) {
      const next = joinLooks(wanted.get(job.id), { job, ...news })
      if (!isEmpty(next)) wanted.set(job.id, next)
    }
    // The turns that sleep take some of them.
    if (wanted.size > 1) wake()
  }

  const isLastPlace = (): boolean => places > 1 && looking.size === places - 1

  const nextLook = (): Look | undefined => {
    if (looking.size >= places) return undefined
    const isLast = isLastPlace()
    for (const [id, next] of wanted) {
      if (!looking.has(id) && !jobByJob.rests(id) && !(isLast && slow.has(id))) return next
    }
    return undefined
  }

  /** Returns how many devices joined. */
  const take = async (next: Look): Promise<number> => {
    const { id } = next.job
    const isShort = isLastPlace()
    wanted.delete(id)
    looking.add(id)
    /** What remains to be looked at. */
    let left: Look | undefined = { ...next, isForced: true, isUnannounced: true }
    try {
      const joined = await jobByJob.attempt(id, async () => {
        if (next.isUnannounced) await announceAgain(next.job)
        try {
          const count = await join(next, isShort)
          left = undefined
          return count
        } catch (error) {
          if (!(error instanceof NeedsAnotherPlace)) throw error
          left = { ...next, isForced: next.isForced || next.job.isDue, isUnannounced: false }
          return 0
        }
      })
      return joined ?? 0
    } finally {
      looking.delete(id)
      if (left !== undefined) wanted.set(id, joinLooks(wanted.get(id), left))
    }
  }

  return {
    name,
    every: lookInterval,
    atOnce: places,
    wokenBy: ['continuous', 'changedDevices'],
    async run() {
      const isRest = restUntil > deps.clock.elapsed()
      if (!isRest) await divide()
      let done = 0
      for (let next = nextLook(); next !== undefined; next = nextLook()) done += await take(next)
      const next = jobByJob.next()
      if (!isRest || isPlanned) return { done, full: false, next }
      // It was woken for what is not divided yet.
      const rest = restUntil - deps.clock.elapsed()
      isPlanned = rest > 0
      const end = new Date(deps.clock.now().getTime() + Math.ceil(rest))
      return isPlanned ? { done, full: false, next: earlier(next, end) } : { done, full: true }
    },
    close: () => watch(false),
  }
}
