import type { Actor } from '../actor.ts'
import type { Scope } from '../scope.ts'
import type { AbortCrossing } from './abort-rules.ts'
import type { DeviceJobCancellation } from './cancel-device-jobs.ts'
import type { JobStatus } from './state.ts'

/**
 * The transitions of a job, as its history names them; docs/job-states.md shows the corresponding arrows. `ended` is
 * the last call of a cancelled job: its status does not change.
 */
export type JobEventType =
  | 'scheduled'
  | 'approved'
  | 'rejected'
  | 'devicesSelected'
  | 'queued'
  | 'waiting'
  | 'started'
  | 'devicesJoined'
  | 'waveOpened'
  | 'gatePassed'
  | 'paused'
  | 'resumed'
  | 'updated'
  | 'devicesCancelled'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'ended'

/**
 * What caused the transition: a client, the start time, the devices' outcomes, the end of the max execution time, the
 * hub itself, an abort rule of the job, or a gate of its waves.
 */
export type JobEventCause = 'user' | 'schedule' | 'devices' | 'deadline' | 'hub' | 'rule' | 'gate'

/** One transition of a job. `status` and `version` are those after it; `actor` names a
 * person or a policy; null for the hub. */
export type JobHistoryEvent = {
  readonly version: number
  readonly time: Date
  readonly type: JobEventType
  readonly status: JobStatus
  readonly cause: JobEventCause
  readonly actor: string | null
  readonly reason: string | null
  /** The members of the job that a client has changed; null for other events. */
  readonly changed: readonly string[] | null
  /** The device jobs that a client has cancelled while the job goes on; null for other events. */
  readonly cancellation: DeviceJobCancellation | null
  /** What made an abort rule act; null for other causes. */
  readonly crossing: AbortCrossing | null
  /** The wave that was opened, or whose gate passed or failed; null for other events. */
  readonly wave: number | null
  /** The number of devices that were selected or joined; null for other events. */
  readonly deviceCount: number | null
}

/** The client that changes a job, through any protocol, and the devices that it may see. It is kept in the history. */
export type By = Actor & { readonly scope: Scope }
