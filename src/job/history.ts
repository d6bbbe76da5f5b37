import type { JobStatus } from './state.ts'

/**
 * What can become of a job, as its history names it; docs/job-states.md has the arrows they belong to. `ended` is the
 * last call of a cancelled job: its status stays.
 */
export type JobEventType = 'scheduled' | 'queued' | 'started' | 'completed' | 'failed' | 'cancelled' | 'ended'

/** What moved it: a client, its start time, what its devices did, its time that was up, or the hub by itself. */
export type JobEventCause = 'user' | 'schedule' | 'devices' | 'deadline' | 'hub'

/** One transition of a job. `status` and `version` are those it had after it; `actor` is a policy, null for the hub. */
export type JobHistoryEvent = {
  readonly version: number
  readonly time: Date
  readonly type: JobEventType
  readonly status: JobStatus
  readonly cause: JobEventCause
  readonly actor: string | null
  readonly reason: string | null
}

/** Who asks for a change of a job: a viewer of whichever door. Its policy is kept in the history. */
export type By = { readonly policyName: string }
