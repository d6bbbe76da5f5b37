import type { ConnectionState, DeviceJobResult, JobOutcome, JobStatus } from '../../generated/console/graphql.ts'
import type { IconName } from './icon-paths.ts'

/** The colours of states. Each has `--{tone}` and `--{tone}-soft` in tokens.css. */
export type Tone = 'pending' | 'running' | 'succeeded' | 'refused' | 'failed' | 'cancelled'

/** How a state is shown: with a colour, an icon and a word. */
export type Shown = { readonly tone: Tone; readonly icon: IconName; readonly word: string }

/** The result of a device job, or its status before it has ended. `skipped`: it succeeded, because it had nothing to do. */
export function showResult(result: DeviceJobResult, skipped = false): Shown {
  switch (result) {
    case 'PENDING':
      return { tone: 'pending', icon: 'pending', word: 'Pending' }
    case 'RUNNING':
      return { tone: 'running', icon: 'running', word: 'Running' }
    case 'SUCCEEDED':
      return { tone: 'succeeded', icon: 'succeeded', word: skipped ? 'Skipped' : 'Succeeded' }
    case 'REFUSED':
      return { tone: 'refused', icon: 'refused', word: 'Refused' }
    case 'FAILED':
      return { tone: 'failed', icon: 'failed', word: 'Failed' }
    case 'CANCELLED':
      return { tone: 'cancelled', icon: 'cancelled', word: 'Cancelled' }
    default:
      return unknown(result)
  }
}

/** The fields that determine the badge of a job. */
export type ShownJob = {
  readonly status: JobStatus
  readonly outcome: JobOutcome | null
  readonly endTime: string | null
  /** Null if the hub does not count the devices for the viewer. May be left out of jobs that have not ended. */
  readonly deviceJobStatistics?: { readonly deviceCount: number; readonly refusedCount: number } | null
}

/** The status of a job, or its outcome once it has ended. */
export function showJob(job: ShownJob): Shown {
  switch (job.status) {
    case 'WAITING_FOR_APPROVAL':
      return { tone: 'pending', icon: 'waiting', word: 'Needs approval' }
    case 'SCHEDULED':
      return { tone: 'pending', icon: 'waiting', word: 'Scheduled' }
    case 'QUEUED':
      return { tone: 'pending', icon: 'pending', word: 'Queued' }
    case 'RUNNING':
      return { tone: 'running', icon: 'running', word: 'Running' }
    case 'PAUSED':
      return { tone: 'pending', icon: 'paused', word: 'Paused' }
    case 'CANCELLED':
      return { tone: 'cancelled', icon: 'cancelled', word: job.endTime === null ? 'Cancelling' : 'Cancelled' }
    case 'FAILED':
      return { tone: 'failed', icon: 'failed', word: 'Failed' }
    case 'COMPLETED':
      return job.outcome === null
        ? { tone: 'succeeded', icon: 'succeeded', word: 'Completed' }
        : showOutcome(job.outcome, job.deviceJobStatistics ?? undefined)
    default:
      return unknown(job.status)
  }
}

function showOutcome(outcome: JobOutcome, counts: NonNullable<ShownJob['deviceJobStatistics']> | undefined): Shown {
  switch (outcome) {
    case 'SUCCEEDED':
      return { tone: 'succeeded', icon: 'succeeded', word: 'Succeeded' }
    case 'PARTIALLY_FAILED':
      return { tone: 'failed', icon: 'partial', word: 'Partly failed' }
    case 'FAILED':
      // IoT Hub counts all of these devices as succeeded, so that neither word would say what happened.
      return counts !== undefined && counts.refusedCount === counts.deviceCount
        ? { tone: 'refused', icon: 'refused', word: 'Refused by all' }
        : { tone: 'failed', icon: 'failed', word: 'Failed' }
    case 'CANCELLED':
      return { tone: 'cancelled', icon: 'cancelled', word: 'Cancelled' }
    case 'NO_DEVICES':
      return { tone: 'pending', icon: 'devices', word: 'No devices' }
    default:
      return unknown(outcome)
  }
}

/** Whether a device is connected. */
export function showConnection(state: ConnectionState): Shown {
  return state === 'CONNECTED'
    ? { tone: 'succeeded', icon: 'online', word: 'Connected' }
    : { tone: 'pending', icon: 'offline', word: 'Disconnected' }
}

/** Values that a newer hub has added to the schema are shown by their names. */
function unknown(value: never): Shown {
  return { tone: 'pending', icon: 'pending', word: String(value) }
}
