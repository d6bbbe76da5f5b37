import type { JobHistoryEvent } from '../job/history.ts'
import { type JobStatus, jobOutcome } from '../job/state.ts'
import type { DeviceJobStatistics } from '../job/statistics.ts'
import type { WebhookEvent } from './event.ts'

/** The version of the form of messages. Members may be added without a new one. */
const messageVersion = 1

/** What a message says about its job. */
export type MessageJob = DeviceJobStatistics & {
  readonly id: string
  readonly type: string
  readonly status: JobStatus
  readonly createdBy: string | null
  readonly startedTime: Date | null
  readonly endTime: Date | null
}

/** What a message says about a pause or a resumption, as it is in the history of the job. */
export type MessageTransition = Pick<JobHistoryEvent, 'version' | 'status' | 'cause' | 'actor' | 'reason'>

/** GraphQL's spelling of an enum value: `partiallyFailed` becomes `PARTIALLY_FAILED`. */
const spelled = (value: string): string => value.replace(/[A-Z]/g, '_$&').toUpperCase()

/**
 * The body of a message: JSON, with the values that GraphQL has for the fields of these names. `time` is that of the
 * event. A message about a `transition` says what the history says about it. The counters are those of the attempt, so
 * only `job.started` and `job.ended` are the same in each one.
 */
export function printMessage(
  event: WebhookEvent,
  time: Date,
  job: MessageJob,
  transition: MessageTransition | null,
): string {
  const { id, type, createdBy, startedTime, endTime, deviceCount } = job
  const base = { jobId: id, type: spelled(type), createdBy, startedTime, deviceCount }
  const { succeededCount, refusedCount, skippedCount, failedCount, cancelledCount } = job
  const counts = { succeededCount, refusedCount, skippedCount, failedCount, cancelledCount }
  const outcome = jobOutcome(job.status, endTime !== null, job)
  const moved = () => ({ ...base, ...(transition && spelledTransition(transition)), ...counts })
  const data = {
    'job.started': () => ({ ...base, status: 'RUNNING' }),
    'job.threshold': () => ({ ...base, ...counts }),
    'job.paused': moved,
    'job.resumed': moved,
    'job.ended': () => ({
      ...base,
      endTime,
      status: spelled(job.status),
      outcome: outcome && spelled(outcome),
      ...counts,
    }),
  }[event]()
  return JSON.stringify({ type: event, version: messageVersion, timestamp: time, data })
}

const spelledTransition = ({ version, status, cause, actor, reason }: MessageTransition) => ({
  version,
  status: spelled(status),
  cause: spelled(cause),
  actor,
  reason,
})
