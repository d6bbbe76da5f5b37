import type { JobEventType, JobNowFragment } from '../../../generated/console/graphql.ts'

/** The event that paused a job which is still paused. Undefined for other jobs, and while its history is not known. */
export function pauseOf<Event extends { readonly type: JobEventType }>(
  { status }: Pick<JobNowFragment, 'status'>,
  history: readonly Event[] | null,
): Event | undefined {
  const last = history?.findLast(({ type }) => type === 'PAUSED' || type === 'RESUMED')
  return status === 'PAUSED' && last?.type === 'PAUSED' ? last : undefined
}
