import { formatDuration } from '../../format.ts'
import { messageAtField, sentence } from '../../message-at-field.ts'
import type { Draft } from './draft.ts'
import type { RampTexts } from './ramp-texts.ts'

/** A field of the form, by the member of the draft that it writes. The rows of lists have numbers from 0 on. */
export type FieldName =
  | 'condition'
  | 'targets'
  | 'onOverlap'
  | 'methodName'
  | 'payload'
  | 'responseTimeout'
  | 'connectTimeout'
  | 'tags'
  | 'desired'
  | 'startAt'
  | 'maxTime'
  | 'jobId'
  | 'name'
  | 'description'
  | 'labels'
  | `labels.${number}.${'name' | 'value'}`
  | 'maxPerMinute'
  | keyof RampTexts
  | 'maxConcurrent'
  | 'budgetGroupBy'
  | 'budgetMaxConcurrent'
  | `retry${'Attempts' | 'Codes' | 'Statuses' | 'Backoff' | 'Factor' | 'MaxBackoff'}`
  | `window${'Days' | 'From' | 'To' | 'TimeZone' | 'TimeZoneFrom'}`
  | 'abort'
  | `abort.${number}`
  | `abort.${number}.${RuleMember}`
  | 'waves'
  | `waves.${number}`
  | `waves.${number}.${WaveMember}`

type RuleMember = (typeof ruleMembers)[number]
const ruleMembers = ['on', 'errorCode', 'responseStatus', 'percent', 'afterDevices', 'action'] as const

type WaveMember = (typeof waveMembers)[keyof typeof waveMembers]
/** The members of a wave and its gate in the input, and those of the draft that write them. */
const waveMembers = {
  devices: 'size',
  percent: 'size',
  queryCondition: 'size',
  succeededPercent: 'succeeded',
  soakSeconds: 'soak',
  onFailure: 'onFailure',
} as const

/** What is wrong, by field. */
export type Problems = { readonly [name in FieldName]?: string }

/** The problems that were found in a draft, without those of fields that have been changed since. */
export function problemsLeft(problems: Problems, found: Draft, present: Draft): Problems {
  const isSame = (name: string): boolean =>
    JSON.stringify(typedIn(found, name)) === JSON.stringify(typedIn(present, name))
  return Object.fromEntries(Object.entries(problems).filter(([name]) => isSame(name)))
}

/** What a field shows. */
function typedIn(draft: Draft, name: string): unknown {
  if (name === 'maxTime') return [draft.maxTime, draft.maxTimeUnit]
  if (name === 'startAt') return [draft.start, draft.startAt]
  // What is wrong with one of them may be mended in the other.
  if (name === 'maxPerMinute' || name === 'rampFrom') return [draft.maxPerMinute, draft.rampFrom]
  return name
    .split('.')
    .reduce<unknown>(
      (value, member) =>
        typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(member) : undefined,
      draft,
    )
}

/** The hub's reason to refuse a job. */
export type Refusal = {
  readonly __typename: string
  readonly message: string
  readonly path?: readonly string[]
}

/** The field at which a refusal is shown, and its message; undefined if it is about no field. */
export function placeRefusal({
  __typename,
  message,
  path,
}: Refusal): { readonly field: FieldName; readonly message: string } | undefined {
  if (__typename === 'QueryConditionError') return { field: 'condition', message: sentence(message) }
  if (__typename === 'AlreadyExistsError') return { field: 'jobId', message }
  if (__typename !== 'InvalidInputError' || path === undefined) return undefined
  const place = places
    .filter(({ at }) => at.every((segment, index) => path[index] === segment))
    .sort((one, other) => other.at.length - one.at.length)[0]
  if (place === undefined) return undefined
  const said = inWordsOfForm(message, path)
  const rest = path.slice(place.at.length)
  if (place.field === 'labels' || place.field === 'abort' || place.field === 'waves') {
    return { field: fieldOfRow(place.field, rest), message: said }
  }
  const below = place.isList ? '' : rest.join('.')
  return { field: place.field, message: below === '' ? said : `${below}: ${message}` }
}

/** A message at a field, in which other fields have the words of the form, too, and a time limit its units. */
const inWordsOfForm = (message: string, path: readonly string[]): string =>
  messageAtField(message, path.at(-1))
    .replace(/\b(?:backoffSeconds|maxPerMinute)\b/g, (name) => words[name] ?? name)
    // To whole minutes above it, which are easy to type.
    .replace(
      /Give more than (\d+) seconds/,
      (_, seconds) => `Give ${formatDuration(Math.ceil((Number(seconds) + 1) / 60) * 60)}`,
    )

/** Other fields that messages name. */
const words: Readonly<Record<string, string>> = {
  backoffSeconds: 'the first wait',
  maxPerMinute: 'the devices per minute',
}

/** The field of a list that the rest of a path leads to. */
function fieldOfRow(list: 'labels' | 'abort' | 'waves', [index, ...members]: readonly string[]): FieldName {
  const member = members.at(-1)
  const row = Number(index)
  if (!Number.isInteger(row)) return list
  if (list === 'labels') return `labels.${row}.${member === 'value' ? 'value' : 'name'}`
  if (list === 'waves') {
    const known = Object.entries(waveMembers).find(([name]) => name === member)
    return known === undefined ? `waves.${row}` : `waves.${row}.${known[1]}`
  }
  const known = ruleMembers.find((one) => one === member)
  return known === undefined ? `abort.${row}` : `abort.${row}.${known}`
}

/** The fields of the form for the members of the input. Those that are `isList` do not show which item a refusal is about. */
const places: readonly { readonly at: readonly string[]; readonly field: FieldName; readonly isList?: true }[] = [
  { at: ['queryCondition'], field: 'condition' },
  { at: ['targets'], field: 'targets' },
  { at: ['onOverlap'], field: 'onOverlap' },
  { at: ['cloudToDeviceMethod'], field: 'methodName' },
  { at: ['cloudToDeviceMethod', 'payload'], field: 'payload' },
  { at: ['cloudToDeviceMethod', 'responseTimeoutInSeconds'], field: 'responseTimeout' },
  { at: ['cloudToDeviceMethod', 'connectTimeoutInSeconds'], field: 'connectTimeout' },
  { at: ['cloudToDeviceMethod', 'methodName'], field: 'methodName' },
  { at: ['updateTwin'], field: 'tags' },
  { at: ['updateTwin', 'tags'], field: 'tags' },
  { at: ['updateTwin', 'properties', 'desired'], field: 'desired' },
  { at: ['startTime'], field: 'startAt' },
  { at: ['maxExecutionTimeInSeconds'], field: 'maxTime' },
  { at: ['jobId'], field: 'jobId' },
  { at: ['name'], field: 'name' },
  { at: ['description'], field: 'description' },
  { at: ['labels'], field: 'labels' },
  { at: ['rollout', 'maxPerMinute'], field: 'maxPerMinute' },
  { at: ['rollout', 'ramp'], field: 'rampFrom' },
  { at: ['rollout', 'ramp', 'from'], field: 'rampFrom' },
  { at: ['rollout', 'ramp', 'factor'], field: 'rampFactor' },
  { at: ['rollout', 'ramp', 'afterSucceeded'], field: 'rampAfterSucceeded' },
  { at: ['rollout', 'maxConcurrent'], field: 'maxConcurrent' },
  { at: ['rollout', 'budget'], field: 'budgetGroupBy' },
  { at: ['rollout', 'budget', 'maxConcurrent'], field: 'budgetMaxConcurrent' },
  { at: ['rollout', 'budget', 'groupBy'], field: 'budgetGroupBy' },
  { at: ['rollout', 'retry'], field: 'retryAttempts' },
  { at: ['rollout', 'retry', 'maxAttempts'], field: 'retryAttempts' },
  // The codes are chosen, so only a status can be wrong.
  { at: ['rollout', 'retry', 'on'], field: 'retryStatuses', isList: true },
  { at: ['rollout', 'retry', 'backoffSeconds'], field: 'retryBackoff' },
  { at: ['rollout', 'retry', 'factor'], field: 'retryFactor' },
  { at: ['rollout', 'retry', 'maxBackoffSeconds'], field: 'retryMaxBackoff' },
  { at: ['rollout', 'window'], field: 'windowFrom' },
  { at: ['rollout', 'window', 'days'], field: 'windowDays', isList: true },
  { at: ['rollout', 'window', 'to'], field: 'windowTo' },
  { at: ['rollout', 'window', 'timeZone'], field: 'windowTimeZone' },
  { at: ['rollout', 'window', 'timeZoneFrom'], field: 'windowTimeZoneFrom' },
  { at: ['rollout', 'abort'], field: 'abort' },
  { at: ['rollout', 'waves'], field: 'waves' },
]
