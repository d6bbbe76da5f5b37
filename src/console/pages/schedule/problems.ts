/** A field of the form, by the member of the draft that it writes. */
export type FieldName =
  | 'condition'
  | 'methodName'
  | 'payload'
  | 'responseTimeout'
  | 'connectTimeout'
  | 'tags'
  | 'desired'
  | 'startAt'
  | 'maxTime'
  | 'jobId'

/** The fields from the top of the page. */
export const fieldNames: readonly FieldName[] = [
  'condition',
  'methodName',
  'payload',
  'responseTimeout',
  'connectTimeout',
  'tags',
  'desired',
  'startAt',
  'maxTime',
  'jobId',
]

/** What is wrong, by field. */
export type Problems = { readonly [name in FieldName]?: string }

/** The first field with a problem, from the top; undefined when no field has one. */
export function firstOf(problems: Problems): FieldName | undefined {
  return fieldNames.find((name) => problems[name] !== undefined)
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
  const below = path.slice(place.at.length).join('.')
  return { field: place.field, message: below === '' ? message : `${below}: ${message}` }
}

/** The fields of the form for the members of the input. */
const places: readonly { readonly at: readonly string[]; readonly field: FieldName }[] = [
  { at: ['queryCondition'], field: 'condition' },
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
]

/** A message as a sentence: for conditions, the hub's messages are fragments such as `unexpected end (line 1, column 9)`. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}
