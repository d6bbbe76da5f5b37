import type { Actor, ActorKind } from '../actor.ts'
import { ConflictError, InvalidInputError, OutOfScopeError } from '../errors.ts'
import { checkDescription } from '../job/naming.ts'
import type { JobOverlapPolicy } from '../job/on-overlap.ts'
import { isOwnJob } from '../job/own-job.ts'
import { printScope } from '../query/scope.ts'
import type { Scope } from '../scope.ts'
import { checkRecurrence, type Recurrence } from './cron.ts'

/** What to do about planned times at which no hub ran: one job for all of them, or nothing. */
export const missedPolicies = ['runOnce', 'skip'] as const
export type MissedPolicy = (typeof missedPolicies)[number]

/**
 * What to do at a time at which a job of the schedule has not ended: nothing, or a job all the same. With `queue` and `refuse`, the
 * job gives way to all others with some of its devices.
 */
export const overlapPolicies = ['parallel', 'skip', 'queue', 'refuse'] as const
export type OverlapPolicy = (typeof overlapPolicies)[number]

/** What the jobs of a schedule do about others; undefined where their template decides. */
export const onOverlapOfJobs = ({ onOverlap }: { readonly onOverlap: OverlapPolicy }): JobOverlapPolicy | undefined =>
  onOverlap === 'queue' || onOverlap === 'refuse' ? onOverlap : undefined

export const scheduleStatuses = ['active', 'paused', 'ended'] as const
export type ScheduleStatus = (typeof scheduleStatuses)[number]

/** What a schedule did at a planned time. */
export const runOutcomes = ['scheduled', 'missed', 'overlapped', 'refused'] as const
export type RunOutcome = (typeof runOutcomes)[number]

/** A schedule, as people define it. */
export type ScheduleDefinition = Recurrence & {
  readonly id: string
  readonly templateId: string
  readonly onMissed: MissedPolicy
  readonly onOverlap: OverlapPolicy
  readonly description: string | null
}

/** A person or policy on whose behalf jobs are scheduled, with the roles of a person. */
export type ScheduleAuthor = Actor & { readonly kind: Exclude<ActorKind, 'hub'>; readonly roles: readonly string[] }

/** What an author may do now; undefined when the hub no longer knows the policy or any of the roles. */
export type Authority = { readonly mayWriteJobs: boolean; readonly scope: Scope }

/** The author with what identifies it, as it is stored. */
export const authorOf = ({ kind, id, name, issuer, subject, roles }: ScheduleAuthor): ScheduleAuthor => ({
  kind,
  id,
  name,
  issuer,
  subject,
  roles,
})

/** What a client sends. */
export type ScheduleInput = {
  readonly scheduleId: unknown
  readonly templateId: string
  readonly cron: unknown
  readonly timeZone: unknown
  readonly endTime?: Date | null | undefined
  readonly onMissed: MissedPolicy
  readonly onOverlap: OverlapPolicy
  readonly description?: unknown
}

/** What a client changes of a schedule. What is left out stays as it is. */
export type ScheduleChange = {
  readonly templateId?: string | null | undefined
  readonly cron?: string | null | undefined
  readonly timeZone?: string | null | undefined
  readonly endTime?: Date | null | undefined
  readonly onMissed?: MissedPolicy | null | undefined
  readonly onOverlap?: OverlapPolicy | null | undefined
  readonly description?: string | null | undefined
}

/** The id of a job has the time in addition. */
const longestId = 48

/** The schedule, as it is stored. InvalidInputError with the path of the member. */
export function checkSchedule(input: ScheduleInput, now: Date): ScheduleDefinition {
  const { scheduleId, templateId, endTime = null, onMissed, onOverlap } = input
  if (typeof scheduleId !== 'string' || !new RegExp(`^[A-Za-z0-9-]{1,${longestId}}$`).test(scheduleId)) {
    const message = `A schedule ID must consist of 1 to ${longestId} ASCII letters, digits and dashes.`
    throw new InvalidInputError(['scheduleId'], message)
  }
  return {
    id: scheduleId,
    templateId,
    ...checkRecurrence({ ...input, endTime }, now),
    onMissed,
    onOverlap,
    description: checkDescription(input.description),
  }
}

/**
 * The schedule after a change. Null removes its end or its description, and leaves all else as it is. Its times are checked
 * when they change; a schedule that has ended can have other changes, too. InvalidInputError with the path of the member, or
 * when nothing is given.
 */
export function changedSchedule<Schedule extends ScheduleDefinition>(
  schedule: Schedule,
  change: ScheduleChange,
  now: Date,
): Schedule {
  if (Object.values(change).every((value) => value === undefined)) {
    throw new InvalidInputError([], 'The update is empty: it would change nothing.')
  }
  const { templateId, onMissed, onOverlap, description } = change
  const recurrence = {
    cron: change.cron ?? schedule.cron,
    timeZone: change.timeZone ?? schedule.timeZone,
    endTime: change.endTime === undefined ? schedule.endTime : change.endTime,
  }
  return {
    ...schedule,
    templateId: templateId ?? schedule.templateId,
    ...(hasOtherTimes(schedule, recurrence) && checkRecurrence(recurrence, now)),
    onMissed: onMissed ?? schedule.onMissed,
    onOverlap: onOverlap ?? schedule.onOverlap,
    ...(description !== undefined && { description: checkDescription(description) }),
  }
}

/** Whether two recurrences may have different times. */
export const hasOtherTimes = (one: Recurrence, other: Recurrence): boolean =>
  one.cron !== other.cron || one.timeZone !== other.timeZone || one.endTime?.getTime() !== other.endTime?.getTime()

/** The id of the job of a planned time. Two hubs that make the job give it the same one. */
export const jobIdAt = (scheduleId: string, time: Date): string =>
  `${scheduleId}-${time.toISOString().slice(0, 16).replace(/[-:]/g, '')}Z`

/** The id of the schedule that `jobIdAt` put into an id; undefined for other ids. */
export const scheduleIn = (jobId: string): string | undefined => /^(.+)-\d{8}T\d{4}Z$/.exec(jobId)?.[1]

/** Milliseconds by which a job may be late and still count as being on time. */
export const grace = 60_000

/** Throws OutOfScopeError for a schedule whose jobs concern devices outside the scope. */
export function requireOwnSchedule(
  viewers: Scope,
  schedule: { readonly id: string; readonly scope: readonly string[] | null },
): void {
  if (isOwnJob(viewers, schedule)) return
  const message = `The job schedule "${schedule.id}" was not created under your scope. You cannot change it.`
  throw new OutOfScopeError(message, printScope(viewers))
}

/** ConflictError unless the schedule has the status. */
export function requireStatus(id: string, status: ScheduleStatus, needed: ScheduleStatus): void {
  if (status !== needed) throw new ConflictError(`The job schedule "${id}" is ${status}, and not ${needed}.`)
}
