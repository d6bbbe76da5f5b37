import type { JobNowFragment, RetryJobInput } from '../../../generated/console/graphql.ts'
import type { Statistics } from '../../ui/statistics.ts'

type Group = NonNullable<JobNowFragment['failureGroups']>[number]

/** Which devices of a job to retry. */
export type Part = 'unsuccessful' | 'failed' | 'errors' | 'answers' | 'cancelled' | 'unfinished' | 'all'

/** A choice: a part of the devices, and for `errors` and `answers` the selected ones. */
export type Choice = {
  readonly part: Part
  readonly errorCodes: readonly string[]
  readonly responseStatuses: readonly number[]
}

/** A part that can be chosen, with its number of devices. */
export type PartOption = { readonly part: Part; readonly word: string; readonly count: number }

/** The error codes in a job with their numbers of devices, the largest first. */
export function errorsOf(groups: readonly Group[]): readonly { readonly code: string; readonly count: number }[] {
  return sum(
    groups.filter(({ responseStatus }) => responseStatus === null).map(({ code, count }) => [code, count]),
  ).map(([code, count]) => ({ code, count }))
}

/** The answered statuses that are failures with their numbers of devices, the largest first. */
export function answersOf(groups: readonly Group[]): readonly { readonly status: number; readonly count: number }[] {
  return sum(
    groups.flatMap(({ responseStatus, count }) => (responseStatus === null ? [] : [[responseStatus, count] as const])),
  ).map(([status, count]) => ({ status, count }))
}

function sum<Key>(counts: readonly (readonly [Key, number])[]): readonly (readonly [Key, number])[] {
  const sums = new Map<Key, number>()
  for (const [key, count] of counts) sums.set(key, (sums.get(key) ?? 0) + count)
  return [...sums].sort(([, one], [, other]) => other - one)
}

/** The parts of an ended job that can be retried, that is, those with devices. */
export function partsToRetry(
  { deviceCount, refusedCount, failedCount, cancelledCount }: Statistics,
  groups: readonly Group[],
): readonly PartOption[] {
  const errors = errorsOf(groups)
  const answers = answersOf(groups)
  const options: readonly PartOption[] = [
    {
      part: 'unsuccessful',
      word: 'All that failed or refused',
      count: failedCount > 0 && refusedCount > 0 ? failedCount + refusedCount : 0,
    },
    { part: 'failed', word: 'All failed devices', count: failedCount },
    { part: 'errors', word: 'By error', count: errors.length < 2 ? 0 : failedCount },
    {
      part: 'answers',
      word: 'By response status',
      count: answers.reduce((all, { count }) => all + count, 0),
    },
    { part: 'cancelled', word: 'Cancelled devices', count: cancelledCount },
    {
      part: 'unfinished',
      word: 'All that did not succeed',
      count: failedCount + refusedCount > 0 && cancelledCount > 0 ? failedCount + refusedCount + cancelledCount : 0,
    },
    { part: 'all', word: 'All devices', count: deviceCount },
  ]
  return options.filter(({ count }) => count > 0)
}

/** The initial choice: the devices of a group, or the first part that has devices. */
export function firstChoice(statistics: Statistics, groups: readonly Group[], group?: Group): Choice {
  const errorCodes = errorsOf(groups).map(({ code }) => code)
  const responseStatuses = answersOf(groups).map(({ status }) => status)
  if (group !== undefined) {
    const { code, responseStatus } = group
    return responseStatus === null
      ? { part: errorCodes.length < 2 ? 'failed' : 'errors', errorCodes: [code], responseStatuses }
      : { part: 'answers', errorCodes, responseStatuses: [responseStatus] }
  }
  return { part: partsToRetry(statistics, groups)[0]?.part ?? 'all', errorCodes, responseStatuses }
}

/** The choice in the form of the mutation's input; undefined when it selects nothing. */
export function selectionOf({
  part,
  errorCodes,
  responseStatuses,
}: Choice): Pick<RetryJobInput, 'status' | 'result' | 'errorCode' | 'responseStatus'> | undefined {
  switch (part) {
    case 'unsuccessful':
      return { result: ['FAILED', 'REFUSED'] }
    case 'failed':
      return { status: ['FAILED'] }
    case 'errors':
      return errorCodes.length === 0 ? undefined : { status: ['FAILED'], errorCode: errorCodes }
    case 'answers':
      return responseStatuses.length === 0 ? undefined : { status: ['COMPLETED'], responseStatus: responseStatuses }
    case 'cancelled':
      return { status: ['CANCELLED'] }
    case 'unfinished':
      return { result: ['FAILED', 'REFUSED', 'CANCELLED'] }
    case 'all':
      return { status: ['FAILED', 'CANCELLED', 'COMPLETED'] }
  }
}
