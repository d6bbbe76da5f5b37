import type {
  CreateJobScheduleInput,
  ScheduleMissedPolicy,
  ScheduleOverlapPolicy,
} from '../../generated/console/graphql.ts'
import { momentOf } from '../local-time.ts'

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
}: {
  readonly __typename: string
  readonly message: string
  readonly path?: readonly string[]
}): ScheduleProblems | undefined {
  if (__typename === 'AlreadyExistsError') return { scheduleId: message }
  if (__typename === 'NotFoundError') return { templateId: message }
  const field = __typename === 'InvalidInputError' ? fields.find((name) => name === path?.[0]) : undefined
  return field && { [field]: message }
}

const fields = ['scheduleId', 'templateId', 'cron', 'timeZone', 'endTime', 'description'] as const
