import type { JobFilter, JobLabelFilter, JobOutcome, JobStatus, JobType } from '../../../generated/console/graphql.ts'

/**
 * The filters of the list, which its address contains. Empty lists and an empty text match everything. At most one of
 * `status` and `outcome` has values, because an open job has no outcome.
 */
export type ListFilter = {
  readonly status: readonly JobStatus[]
  readonly outcome: readonly JobOutcome[]
  readonly type: readonly JobType[]
  /** A part of the ID, the name, the condition or the method name. */
  readonly text: string
  /** Only addresses have it. */
  readonly idPrefix: string
  /** Names, or names and values: `team`, `team=north`. */
  readonly labels: readonly string[]
}

/** The statuses of open jobs in the order in which a job reaches them, with their words in the address and the page. */
export const statuses: readonly { readonly value: JobStatus; readonly key: string; readonly word: string }[] = [
  { value: 'WAITING_FOR_APPROVAL', key: 'needs-approval', word: 'Needs approval' },
  { value: 'SCHEDULED', key: 'scheduled', word: 'Scheduled' },
  { value: 'QUEUED', key: 'queued', word: 'Queued' },
  { value: 'RUNNING', key: 'running', word: 'Running' },
  { value: 'PAUSED', key: 'paused', word: 'Paused' },
]

/** The outcomes of ended jobs, likewise. The badges have the same words. */
export const outcomes: readonly { readonly value: JobOutcome; readonly key: string; readonly word: string }[] = [
  { value: 'SUCCEEDED', key: 'succeeded', word: 'Succeeded' },
  { value: 'PARTIALLY_FAILED', key: 'partly-failed', word: 'Partly failed' },
  { value: 'FAILED', key: 'failed', word: 'Failed' },
  { value: 'CANCELLED', key: 'cancelled', word: 'Cancelled' },
  { value: 'NO_DEVICES', key: 'no-devices', word: 'No devices' },
]

/** The types, likewise. */
export const types: readonly { readonly value: JobType; readonly key: string; readonly word: string }[] = [
  { value: 'SCHEDULE_DEVICE_METHOD', key: 'method', word: 'Method calls' },
  { value: 'SCHEDULE_UPDATE_TWIN', key: 'twin', word: 'Twin updates' },
]

/** The default: all jobs. */
export const noFilter: ListFilter = { status: [], outcome: [], type: [], text: '', idPrefix: '', labels: [] }

/** Whether a text is a label to filter by: a name, or a name and a value. The hub refuses other names. */
export const isLabel = (text: string): boolean => /^[A-Za-z0-9._/-]{1,64}(=|$)/.test(text)

/** Reads `?status=running,queued&type=method&search=reboot&label=team=north` or `?outcome=failed`. Unknown values are ignored. */
export function readFilter(search: URLSearchParams): ListFilter {
  const chosen = <Value>(name: string, words: readonly { readonly value: Value; readonly key: string }[]): Value[] => {
    const keys = new Set(search.getAll(name).flatMap((text) => text.toLowerCase().split(',')))
    return words.filter(({ key }) => keys.has(key)).map(({ value }) => value)
  }
  const outcome = chosen('outcome', outcomes)
  return {
    status: outcome.length > 0 ? [] : chosen('status', statuses),
    outcome,
    type: chosen('type', types),
    text: search.get('search') ?? '',
    idPrefix: search.get('id') ?? '',
    labels: [...new Set(search.getAll('label'))].filter(isLabel),
  }
}

/** The same address with another filter; other parameters stay. */
export function writeFilter(filter: ListFilter, search: URLSearchParams): URLSearchParams {
  const written = new URLSearchParams(search)
  const set = (name: string, text: string): void => (text === '' ? written.delete(name) : written.set(name, text))
  const keys = <Value>(values: readonly Value[], words: readonly { readonly value: Value; readonly key: string }[]) =>
    words
      .filter(({ value }) => values.includes(value))
      .map(({ key }) => key)
      .join(',')
  set('status', keys(filter.status, statuses))
  set('outcome', keys(filter.outcome, outcomes))
  set('type', keys(filter.type, types))
  set('search', filter.text)
  set('id', filter.idPrefix)
  written.delete('label')
  for (const label of filter.labels) written.append('label', label)
  return written
}

function toLabelFilter(label: string): JobLabelFilter {
  const [name = '', ...value] = label.split('=')
  return { name, ...(value.length > 0 && { value: [value.join('=')] }) }
}

/** The filter of the query. */
export function toJobFilter({ status, outcome, type, text, idPrefix, labels }: ListFilter): JobFilter {
  return {
    ...(outcome.length === 0 ? {} : { outcome }),
    ...(status.length === 0 ? {} : { status }),
    ...(type.length === 0 ? {} : { type }),
    ...(text === '' ? {} : { search: text }),
    ...(idPrefix === '' ? {} : { jobIdPrefix: idPrefix }),
    ...(labels.length === 0 ? {} : { labels: labels.map(toLabelFilter) }),
  }
}

/**
 * The filter of the subscription: that of the query without the status and the outcome. A job that leaves the status
 * would not be reported, and its row would say forever that it is running.
 */
export function toUpdateFilter(filter: ListFilter): JobFilter {
  return toJobFilter({ ...filter, status: [], outcome: [] })
}

/** Whether anything is left out. */
export function isFiltered({ status, outcome, type, text, idPrefix, labels }: ListFilter): boolean {
  return status.length + outcome.length + type.length + labels.length > 0 || text !== '' || idPrefix !== ''
}
