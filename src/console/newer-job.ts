import type { JobStatus } from '../generated/console/graphql.ts'
import { endedOf, type Statistics } from './ui/statistics.ts'

/** The fields of a job that determine which of two of its states is newer. */
export type JobState = {
  readonly status: JobStatus
  readonly endTime: string | null
  /** Null: the hub does not show them to this viewer. */
  readonly deviceJobStatistics: Statistics | null
}

const places: Readonly<Record<JobStatus, number>> = {
  SCHEDULED: 0,
  QUEUED: 1,
  RUNNING: 2,
  CANCELLED: 3,
  FAILED: 3,
  COMPLETED: 3,
}

/**
 * The newer of two states of a job. Queries and the subscription both report the state, and an answer may arrive after
 * a newer event. A job never goes back, so the state that would go back is the older one.
 */
export function newerOf<Job extends JobState>(known: Job | undefined, reported: Job): Job {
  if (known === undefined) return reported
  if (known.endTime !== null && reported.endTime === null) return known
  if (places[reported.status] < places[known.status]) return known
  if (known.deviceJobStatistics === null || reported.deviceJobStatistics === null) return reported
  return endedOf(reported.deviceJobStatistics) < endedOf(known.deviceJobStatistics) ? known : reported
}
