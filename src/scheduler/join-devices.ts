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
import { compileDeviceCondition } from '../query/device-condition.ts'
import { compileGroupPath } from '../query/group-path.ts'
import { scopeOfJob } from '../query/scope.ts'
import { createJobByJob } from './job-by-job.ts'
import type { Step } from './loop.ts'

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

/**
 * Devices that start to meet the condition of a continuous job → targets of it. It looks at devices of which an event said that
 * they changed, and at all of them when it begins to listen and once per minute: then nothing depends on an event. Each device
 * joins once, by the primary key of the targets, through whichever instance. Without continuous jobs it listens to nothing and
 * reads one index per minute.
 */
export function joinDevices(deps: Deps): Step & { close(): void } {
  const name = 'join-devices'
  const jobByJob = createJobByJob(deps, name)
  let changed = new Set<string>()
  /** Jobs whose last turn failed. They have missed what was known then, so all devices are looked at for them. */
  const behind = new Set<string>()
  /** Devices may have changed of which no event said so. */
  let mayHaveMissed = false
  /** Another instance may have died after it let devices join and before it said so. */
  let mayBeUnannounced = false
  let stopListening: (() => void)[] = []
  let restUntil = 0

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
  const look = async (job: ContinuousJob, among: readonly string[] | undefined): Promise<number> => {
    const { id, queryCondition, budgetGroupBy } = job
    const scope = scopeOfJob(job.scope)
    const condition = compileDeviceCondition(queryCondition)
    const groupBy = budgetGroupBy === null ? undefined : compileGroupPath(budgetGroupBy)
    const begun = deps.clock.elapsed()
    const { jobSelectionMs } = deps.limits
    const found = await deps.db.boundedRead({ caller: 'devices that join' }, jobSelectionMs, (reader) =>
      findJoining(reader, scope, condition, { jobId: id, among, groupBy, limit: mostFound }),
    )
    if (found === undefined) deps.log.warn({ job: id }, 'looking for devices that join took too long')
    const ms = found === undefined ? jobSelectionMs : deps.clock.elapsed() - begun
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
    return found.length === mostFound && joined > 0 ? joined + (await look(job, among)) : joined
  }

  const join = async (job: ContinuousJob, deviceIds: readonly string[], isForced: boolean): Promise<number> => {
    try {
      if (isForced || job.isDue) {
        const isMine = await deps.db.autocommit((tx) => claimLook(tx, job.id, isForced))
        if (isMine) return await look(job, undefined)
      }
      let joined = 0
      for (let from = 0; from < deviceIds.length; from += batch) {
        joined += await look(job, deviceIds.slice(from, from + batch))
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

  return {
    name,
    every: lookInterval,
    wokenBy: ['continuous', 'changedDevices'],
    async run(now) {
      const rest = restUntil - deps.clock.elapsed()
      if (rest > 0) return { done: 0, full: false, next: new Date(now.getTime() + Math.ceil(rest)) }
      const jobs = await findContinuousJobs(deps.db)
      watch(jobs.length > 0)
      for (const id of behind) if (!jobs.some((job) => job.id === id)) behind.delete(id)
      if (jobs.length === 0) {
        changed.clear()
        return { done: 0, full: false }
      }
      restUntil = deps.clock.elapsed() + pause
      const [deviceIds, isForced, isUnannounced] = [[...changed], mayHaveMissed, mayBeUnannounced]
      changed = new Set()
      mayHaveMissed = false
      mayBeUnannounced = false
      let done = 0
      try {
        await jobByJob.each(
          jobs,
          ({ id }) => id,
          async (job) => {
            const isBehind = behind.has(job.id)
            behind.add(job.id)
            if (isUnannounced || isBehind) await announceAgain(job)
            done += await join(job, deviceIds, isForced || isBehind)
            behind.delete(job.id)
          },
        )
      } catch (error) {
        for (const deviceId of deviceIds) changed.add(deviceId)
        mayHaveMissed ||= isForced
        mayBeUnannounced ||= isUnannounced
        throw error
      }
      return { done, full: false, next: jobByJob.next() }
    },
    close: () => watch(false),
  }
}
