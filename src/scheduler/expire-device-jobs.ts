import { inTransaction } from '../database/client.ts'
import { isAnotherAlive } from '../database/instance-lease.ts'
import type { Deps } from '../deps.ts'
import { findDisabledIds } from '../device/store.ts'
import { DeviceTimeoutError } from '../errors.ts'
import {
  type AttemptKey,
  findPending,
  findStillUnderWay,
  findUnderWay,
  lockOpenJobs,
  type MarkPage,
  type SettledFrom,
  type Settlement,
  settle,
} from '../job/store/facts.ts'
import { type ConnectTimeout, findConnectTimeouts, findJobIdsUnderWay } from '../job/store/jobs.ts'
import { failSpan } from '../tracing.ts'
import type { InFlightCalls } from './in-flight-calls.ts'
import { createJobByJob } from './job-by-job.ts'
import type { Step } from './loop.ts'
import { dueTimeOf, nameOf, type OrphanCandidate, type OrphanCandidates } from './orphan-candidates.ts'
import { publishProgress } from './publish-progress.ts'
import { settleBatch } from './settle-batch.ts'

const batch = 1_000
/**
 * Milliseconds between two checks of connect timeouts while no job is known to start and no timeout is over, in case an
 * event was lost.
 */
const connectInterval = 5_000
/** Milliseconds in which an instance ends its own calls that have expired: it looks for them every second. */
const ownersTime = 2_000
/** Marks per statement. */
const marksPerPage = 10_000

const noAnswer = { code: 'GatewayTimeout', description: 'The call was sent, but the device did not answer in time.' }
const withoutAnswer = ({ jobId, deviceId, attempt }: Required<AttemptKey>): Settlement => ({
  jobId,
  deviceId,
  attempt,
  error: noAnswer,
})
/** Nobody knows whether the call left, or whether the device answered: the hub may have missed that. */
const outcomeUnknown = {
  code: 'OutcomeUnknown',
  description: 'The hub was interrupted while the call was in flight. Whether the device carried it out is unknown.',
}
const withUnknownOutcome = ({ jobId, deviceId, attempt }: Required<AttemptKey>): Settlement => ({
  jobId,
  deviceId,
  attempt,
  error: outcomeUnknown,
})
const notOnline = {
  code: 'DeviceNotOnline',
  description: 'The device did not connect and subscribe to methods within the connect timeout.',
}

const isDisabled = { code: 'DeviceDisabled', description: 'The device is disabled, so it could not connect.' }

/**
 * Past its deadline without an answer → failed, and never sent again; not connected within the connect timeout →
 * failed.
 *
 * An instance is responsible for the calls that it sent, in its window, and for its orphans. An instance that cleans up
 * after others (`cleansUp`) reads the table of marks for their calls, at its start and when another one is dead.
 */
export function expireDeviceJobs(
  deps: Deps,
  {
    window,
    orphans,
    cleansUp,
  }: { readonly window: InFlightCalls; readonly orphans: OrphanCandidates; readonly cleansUp: boolean },
): Step & { close(): void } {
  const name = 'expire-device-jobs'
  const jobs = createJobByJob(deps, name)
  /** Other instances may have left calls behind since the marks were read. */
  let mayBeLeft = cleansUp
  /** The jobs whose marks are still to be read. */
  const unread = new Set<string>()
  /** When to check connect timeouts next, in milliseconds since 1970 UTC. */
  let connectLook = 0
  const stopListening = [
    deps.events.listen('died')(() => {
      mayBeLeft = cleansUp
    }),
    deps.events.listen(
      'work',
      'started',
    )(() => {
      connectLook = 0
    }),
  ]

  const fail = async (failures: readonly Settlement[], from: SettledFrom, now: Date): Promise<void> => {
    publishProgress(deps, failures, await deps.db.autocommit((tx) => settle(tx, failures, from, now)))
  }

  /** The calls of this process are known here: the table of marks is not searched for them. */
  const expireOwn = async (now: Date): Promise<number> => {
    const expired = window.expired(now, batch, jobs.rests)
    if (expired.length === 0) return 0
    const unwritten = await settleBatch(deps, jobs, expired.map(withoutAnswer), { from: 'running', now })
    const left = new Set(unwritten.map(nameOf))
    for (const call of expired) {
      if (left.has(nameOf(call))) continue
      const { requestId, span } = call
      if (span !== undefined) failSpan(span, new DeviceTimeoutError('The device did not answer in time.'))
      window.remove(requestId)
    }
    return expired.length - left.size
  }

  /** Marks do not name their instance. Calls of living instances turn out to have outcomes when they are due. */
  const findOrphans = async (): Promise<void> => {
    if (mayBeLeft) {
      mayBeLeft = false
      try {
        for (const jobId of await findJobIdsUnderWay(deps.db)) unread.add(jobId)
      } catch (error) {
        mayBeLeft = true
        throw error
      }
    }
    if (unread.size === 0) return
    const graceMs = (await isAnotherAlive(deps.db, deps.lease.instanceId)) ? ownersTime : 0
    await jobs.each(
      [...unread],
      (jobId) => jobId,
      async (jobId) => {
        let after: string | undefined = ''
        while (after !== undefined) {
          const { underWay, last }: MarkPage = await findUnderWay(deps.db, jobId, { after, limit: marksPerPage })
          orphans.add(underWay.map((call) => ({ ...call, graceMs })))
          after = last
        }
        unread.delete(jobId)
      },
    )
  }

  const expireThese = async (due: readonly OrphanCandidate[], now: Date): Promise<void> => {
    const graceOf = new Map(due.map((call) => [nameOf(call), call.graceMs]))
    const later = await inTransaction(deps, async (tx, afterCommit) => {
      const open = await lockOpenJobs(
        tx,
        due.map(({ jobId }) => jobId),
      )
      const found = await findStillUnderWay(tx, open, due)
      const calls = found.map((call) => ({ ...call, graceMs: graceOf.get(nameOf(call)) ?? 0 }))
      const expired = calls.filter((call) => dueTimeOf(call) <= now.getTime())
      if (expired.length > 0) {
        const failures = expired.map(withUnknownOutcome)
        const progress = await settle(tx, failures, 'running', now)
        afterCommit(() => publishProgress(deps, failures, progress))
      }
      // A call may have been unmarked by the instance that sent it, and sent again.
      return calls.filter((call) => dueTimeOf(call) > now.getTime())
    })
    for (const call of due) orphans.remove(call)
    orphans.add(later)
  }

  const expireOrphans = async (now: Date): Promise<number> => {
    const due = orphans.due(now, batch, jobs.rests)
    const left = await jobs.together(due, (some) => expireThese(some, now))
    return due.length - left.length
  }

  const findConnectExpired = async (now: Date): Promise<ConnectTimeout[]> => {
    if (now.getTime() < connectLook) return []
    connectLook = now.getTime() + connectInterval
    const timeouts = await findConnectTimeouts(deps.db)
    const expired = timeouts.filter(({ time }) => time <= now)
    // Devices that are connected here may be about to be called, and may disconnect before that.
    const next = expired.length > 0 ? now.getTime() : (timeouts[0]?.time.getTime() ?? connectLook)
    connectLook = Math.min(connectLook, next)
    return expired
  }

  const expireConnecting = async (now: Date): Promise<number> => {
    const { instanceId } = deps.lease
    let count = 0
    await jobs.each(
      await findConnectExpired(now),
      ({ jobId }) => jobId,
      async (timeout) => {
        const { jobId } = timeout
        let after: string | undefined = ''
        while (after !== undefined) {
          const deviceIds: string[] = await findPending(deps.db, timeout, { instanceId, after, limit: batch })
          after = deviceIds.length === batch ? deviceIds.at(-1) : undefined
          // A device that is connected here has connected in time; its turn is still to come.
          const away = deviceIds.filter((deviceId) => !deps.attached.reaches(deviceId))
          const disabled = away.length > 0 ? await findDisabledIds(deps.db, away) : new Set()
          const failures = away.map((deviceId) => ({
            jobId,
            deviceId,
            error: disabled.has(deviceId) ? isDisabled : notOnline,
          }))
          if (failures.length > 0) await fail(failures, 'pending', now)
          count += away.length
        }
      },
    )
    return count
  }

  return {
    name,
    every: 1_000,
    wokenBy: [],
    async run(now) {
      const own = await expireOwn(now)
      await findOrphans()
      const orphaned = await expireOrphans(now)
      const connecting = await expireConnecting(now)
      return { done: own + orphaned + connecting, full: own === batch || orphaned === batch }
    },
    close() {
      for (const stop of stopListening) stop()
    },
  }
}
