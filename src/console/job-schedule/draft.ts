import type {
  CreateJobScheduleInput,
  JobScheduleNowFragment,
  ScheduleMissedPolicy,
  ScheduleOverlapPolicy,
  UpdateJobScheduleInput,
} from '../../generated/console/graphql.ts'
import { localOf, momentOf } from '../local-time.ts'
import { messageAtField } from '../message-at-field.ts'

/** A schedule as it is typed. */
export type ScheduleDraft = {
  readonly scheduleId: string
  readonly templateId: string
  readonly cron: string
  readonly timeZone: string
  /** A local time in the time zone of the browser; empty for no end. */
  readonly endTime: string
  readonly onMissed: ScheduleMissedPolicy
  readonly onOverlap: ScheduleOverlapPolicy
  readonly description: string
}

/** A schedule in which nothing was typed. */
export const draftIn = (timeZone: string, templateId: string): ScheduleDraft => ({
  scheduleId: '',
  templateId,
  cron: '30 2 * * *',
  timeZone,
  endTime: '',
  onMissed: 'SKIP',
  onOverlap: 'SKIP',
  description: '',
})

/** A schedule, to be changed. */
export const draftFromSchedule = (schedule: JobScheduleNowFragment): ScheduleDraft => ({
  scheduleId: schedule.scheduleId,
  templateId: schedule.templateId,
  cron: schedule.cron,
  timeZone: schedule.timeZone,
  endTime: schedule.endTime === null ? '' : localOf(Date.parse(schedule.endTime)),
  onMissed: schedule.onMissed,
  onOverlap: schedule.onOverlap,
  description: schedule.description ?? '',
})

/** The members that differ from those with which the form began; null takes one away. */
export function scheduleChange(
  before: ScheduleDraft,
  after: CreateJobScheduleInput,
): Omit<UpdateJobScheduleInput, 'scheduleId'> {
  const read = readSchedule(before)
  const was: Partial<CreateJobScheduleInput> = 'input' in read ? read.input : {}
  return {
    ...(was.templateId !== after.templateId && { templateId: after.templateId }),
    ...(was.cron !== after.cron && { cron: after.cron }),
    ...(was.timeZone !== after.timeZone && { timeZone: after.timeZone }),
    ...(was.endTime !== after.endTime && { endTime: after.endTime ?? null }),
    ...(was.onMissed !== after.onMissed && { onMissed: after.onMissed }),
    ...(was.onOverlap !== after.onOverlap && { onOverlap: after.onOverlap }),
    ...(was.description !== after.description && { description: after.description ?? null }),
  }
}

/** What is wrong, by field. */
export type ScheduleProblems = { readonly [field in keyof ScheduleDraft]?: string }

/** Reads what was typed. The hub checks the rest, and explains it better. */
export function readSchedule(
  draft: ScheduleDraft,
): { readonly input: CreateJobScheduleInput } | { readonly problems: ScheduleProblems } {
  const text = (name: 'scheduleId' | 'templateId' | 'cron' | 'timeZone' | 'description'): string => draft[name].trim()
  const endTime = momentOf(draft.endTime)
  const problems: ScheduleProblems = {
    ...(text('scheduleId') === '' && { scheduleId: 'Enter an ID, such as nightly.' }),
    ...(text('templateId') === '' && { templateId: 'Enter the ID of a template.' }),
    ...(text('cron') === '' && { cron: 'Enter five fields, such as 30 2 * * MON-FRI.' }),
    ...(text('timeZone') === '' && { timeZone: 'Enter a time zone, such as Europe/Berlin.' }),
    ...(draft.endTime !== '' && endTime === undefined && { endTime: 'Enter a date and time, or leave empty.' }),
  }
  if (Object.keys(problems).length > 0) return { problems }
  return {
    input: {
      scheduleId: text('scheduleId'),
      templateId: text('templateId'),
      cron: text('cron'),
      timeZone: text('timeZone'),
      ...(endTime === undefined ? {} : { endTime }),
      onMissed: draft.onMissed,
      onOverlap: draft.onOverlap,
      ...(text('description') === '' ? {} : { description: text('description') }),
    },
  }
}

/** The problem of a field that the hub has refused; undefined when the refusal is about none. */
export function problemIn({
  __typename,
  message,
  path,
  kind,
}: {
  readonly __typename: string
  readonly message: string
  readonly path?: readonly string[]
  readonly kind?: string
}): ScheduleProblems | undefined {
  if (__typename === 'AlreadyExistsError') return { scheduleId: message }
  // The schedule itself may have been deleted while it was edited.
  if (kind === 'JOB_TEMPLATE') return { templateId: message }
  const field = __typename === 'InvalidInputError' ? fields.find((name) => name === path?.[0]) : undefined
  return field && { [field]: messageAtField(message, field) }
}

const fields = ['scheduleId', 'templateId', 'cron', 'timeZone', 'endTime', 'description'] as const
