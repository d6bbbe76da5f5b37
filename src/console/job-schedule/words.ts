import type {
  JobScheduleRunOutcome,
  JobScheduleStatus,
  ScheduleMissedPolicy,
  ScheduleOverlapPolicy,
} from '../../generated/console/graphql.ts'
import type { Shown } from '../ui/status.ts'
import { describeCron } from './cron-words.ts'

/** When a schedule has its jobs: `Every day at 02:30, Europe/Berlin`. */
export const describeRecurrence = ({ cron, timeZone }: { readonly cron: string; readonly timeZone: string }): string =>
  `${describeCron(cron) ?? cron}, ${timeZone}`

/** The badge of a schedule. */
export function showSchedule(status: JobScheduleStatus): Shown {
  switch (status) {
    case 'ACTIVE':
      return { tone: 'succeeded', icon: 'waiting', word: 'Active' }
    case 'PAUSED':
      return { tone: 'pending', icon: 'paused', word: 'Paused' }
    case 'ENDED':
      return { tone: 'cancelled', icon: 'cancelled', word: 'Ended' }
    default:
      return unknown(status)
  }
}

/** The badge of a run that has no job. */
export function showRun(outcome: JobScheduleRunOutcome): Shown {
  switch (outcome) {
    case 'SCHEDULED':
      return { tone: 'succeeded', icon: 'succeeded', word: 'Scheduled' }
    case 'MISSED':
      return { tone: 'refused', icon: 'offline', word: 'Missed' }
    case 'OVERLAPPED':
      return { tone: 'refused', icon: 'cancelled', word: 'Skipped' }
    case 'REFUSED':
      return { tone: 'failed', icon: 'failed', word: 'Refused' }
    default:
      return unknown(outcome)
  }
}

/** Why a run has no job, as a sentence; empty for one that has. */
export function describeRun(outcome: JobScheduleRunOutcome, reason: string | null): string {
  if (reason !== null) return reason
  if (outcome === 'MISSED') return 'No hub could schedule the job in time.'
  if (outcome === 'OVERLAPPED') return 'An earlier job had not ended.'
  return ''
}

/** What schedules can do about missed times, with the words for them. */
export const missedWords: Readonly<Record<ScheduleMissedPolicy, string>> = {
  SKIP: 'Wait for the next time',
  RUN_ONCE: 'Schedule one job as soon as possible',
}

/** What schedules can do while one of their jobs has not ended, with the words for it. */
export const overlapWords: Readonly<Record<ScheduleOverlapPolicy, string>> = {
  SKIP: 'Wait for the next time',
  PARALLEL: 'Schedule another job',
  QUEUE: 'Schedule a job that waits for others with the same devices',
  REFUSE: 'Schedule a job that fails if others have its devices',
}

/** Values that a newer hub has added to the schema are shown by their names. */
const unknown = (word: string): Shown => ({ tone: 'pending', icon: 'pending', word })
