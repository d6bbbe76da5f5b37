import { ConflictError } from '../errors.ts'
import type { DeviceJobStatistics } from './statistics.ts'

/** The status of a job. */
export type JobStatus =
  | 'waitingForApproval'
  | 'queued'
  | 'scheduled'
  | 'running'
  | 'paused'
  | 'completed'
  | 'failed'
  | 'cancelled'

/**
 * The events that move a job. `becomeDue`: its start time has come. A paused job is resumed where it was: `resume` if it
 * had started, otherwise `reschedule`.
 */
export type JobEvent =
  | 'approve'
  | 'reject'
  | 'becomeDue'
  | 'start'
  | 'pause'
  | 'resume'
  | 'reschedule'
  | 'complete'
  | 'fail'
  | 'cancel'

/** The outcome of an ended job. */
export type JobOutcome = 'succeeded' | 'partiallyFailed' | 'failed' | 'cancelled' | 'noDevices'

/** The status of a device job. IoT Hub spells this "canceled" with one l, and a job's with two. */
export type DeviceJobStatus = 'pending' | 'running' | 'completed' | 'failed' | 'canceled'

/** The same for clients of GraphQL: pending device jobs whose call was sent before, and will be sent again, are retrying. */
export type ShownDeviceJobStatus = DeviceJobStatus | 'retrying'

/**
 * The status of a device job, except that `completed` is divided. `refused`: the device answered with a failure, which
 * IoT Hub counts as completed.
 */
export type DeviceJobResult = 'pending' | 'running' | 'succeeded' | 'refused' | 'failed' | 'cancelled'

/**
 * The events that move a device job. `dispatch`: a method call is marked as sent, just before it is. `repeat`: the call failed, and
 * the retry policy of the job repeats it.
 */
export type DeviceJobEvent = 'dispatch' | 'repeat' | 'complete' | 'fail' | 'cancel'

/**
 * The transitions of a job, drawn in docs/job-states.md. Failed devices do not make a job fail: `fail` is for the job
 * as a whole, when its condition no longer works or takes too long, when more devices meet it than allowed, or when its
 * deadline passed before it could start. A scheduled job fails so only when it selects its devices before its start. A queued
 * job completes at once when no device meets its condition.
 */
export const jobTransitions: Readonly<Record<JobStatus, Readonly<Partial<Record<JobEvent, JobStatus>>>>> = {
  waitingForApproval: { approve: 'scheduled', reject: 'cancelled', fail: 'failed', cancel: 'cancelled' },
  scheduled: { becomeDue: 'queued', pause: 'paused', fail: 'failed', cancel: 'cancelled' },
  queued: { start: 'running', pause: 'paused', complete: 'completed', fail: 'failed', cancel: 'cancelled' },
  running: { pause: 'paused', complete: 'completed', fail: 'failed', cancel: 'cancelled' },
  paused: { resume: 'running', reschedule: 'scheduled', complete: 'completed', fail: 'failed', cancel: 'cancelled' },
  completed: {},
  failed: {},
  cancelled: {},
}

/**
 * The transitions of a device job, drawn in docs/job-states.md. Twin updates end without having been running. A call
 * that may have been sent cannot be cancelled: only its answer or its deadline ends it.
 */
export const deviceJobTransitions: Readonly<
  Record<DeviceJobStatus, Readonly<Partial<Record<DeviceJobEvent, DeviceJobStatus>>>>
> = {
  pending: { dispatch: 'running', complete: 'completed', fail: 'failed', cancel: 'canceled' },
  running: { repeat: 'pending', complete: 'completed', fail: 'failed' },
  completed: {},
  failed: {},
  canceled: {},
}

const participles: Readonly<Record<JobEvent, string>> = {
  approve: 'approved',
  reject: 'rejected',
  becomeDue: 'queued',
  start: 'started',
  pause: 'paused',
  resume: 'resumed',
  reschedule: 'resumed',
  complete: 'completed',
  fail: 'failed',
  cancel: 'cancelled',
}

/** The status of a new job: it waits for an approval, for its start time, or for a free slot. */
export function initialStatus(startTime: Date, now: Date, needsApproval = false): JobStatus {
  if (needsApproval) return 'waitingForApproval'
  return startTime > now ? 'scheduled' : 'queued'
}

/** The status after an event. Throws `ConflictError` when the event is not allowed in this status. */
export function transition(status: JobStatus, event: JobEvent): JobStatus {
  const next = jobTransitions[status][event]
  if (next === undefined) throw transitionRefused(status, event)
  return next
}

/** IoT Hub's wording: "Job cannot be cancelled in 'Running' status." A protocol with stricter rules uses it too. */
export function transitionRefused(status: JobStatus, event: JobEvent): ConflictError {
  const capitalised = status.charAt(0).toUpperCase() + status.slice(1)
  return new ConflictError(`Job cannot be ${participles[event]} in '${capitalised}' status.`)
}

/**
 * The status that follows from the facts about a device job and its job. No row is written for a device job that was
 * never processed: when the job is cancelled or its deadline passes, the job's row decides for all of them. `jobEnded`:
 * the job's end time is set. A cancelled job ends only when its last call under way has.
 */
export function deriveDeviceJobStatus(facts: {
  readonly outcome: 'completed' | 'failed' | 'canceled' | undefined
  readonly dispatched: boolean
  readonly jobStatus: JobStatus
  readonly jobEnded: boolean
}): DeviceJobStatus {
  if (facts.outcome !== undefined) return facts.outcome
  if (facts.jobStatus === 'cancelled' && !facts.dispatched) return 'canceled'
  if (facts.jobEnded) return 'failed'
  return facts.dispatched ? 'running' : 'pending'
}

/** The status that clients of GraphQL see. `repeatedCount`: how many attempts have ended and are repeated. */
export const shownStatus = ({
  status,
  repeatedCount,
}: {
  readonly status: DeviceJobStatus
  readonly repeatedCount: number
}): ShownDeviceJobStatus => (status === 'pending' && repeatedCount > 0 ? 'retrying' : status)

/** The lowest status of an answer that is a failure. By convention, devices answer with HTTP statuses. */
export const firstFailureStatus = 400

/** The result of a device job. `responseStatus` is that of the device's answer; null without one. */
export function deviceJobResult(status: DeviceJobStatus, responseStatus: number | null): DeviceJobResult {
  if (status === 'canceled') return 'cancelled'
  if (status !== 'completed') return status
  return responseStatus !== null && responseStatus >= firstFailureStatus ? 'refused' : 'succeeded'
}

/**
 * The outcome of a job, `null` until it has ended. It is failed when not one of its devices succeeded. A device that
 * answered with a failure did not succeed. Devices that were cancelled do not count, unless all were.
 */
export function jobOutcome(status: JobStatus, ended: boolean, statistics: DeviceJobStatistics): JobOutcome | null {
  if (!ended) return null
  if (status === 'cancelled') return 'cancelled'
  if (status === 'failed') return 'failed'
  const { deviceCount, succeededCount, refusedCount, failedCount, cancelledCount } = statistics
  if (deviceCount === 0) return 'noDevices'
  if (deviceCount === cancelledCount) return 'cancelled'
  if (succeededCount === refusedCount) return 'failed'
  return failedCount + refusedCount > 0 ? 'partiallyFailed' : 'succeeded'
}
