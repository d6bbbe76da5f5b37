/** A path that exists in the fleet, with the values that devices have at it. */
export type KnownPath = {
  readonly path: string
  readonly types: readonly string[]
  readonly deviceCount: number
  readonly sampleValues: readonly unknown[]
}

/** A suggestion of the completion. */
export type Option = {
  /** The text that is inserted. */
  readonly label: string
  readonly type: 'property' | 'constant' | 'keyword' | 'function'
  /** A short description, shown next to the suggestion. */
  readonly detail?: string
  /** Suggestions with a larger number come first. From -99 to 99. */
  readonly boost?: number
}

/** What a condition may contain at a position. */
export type Place =
  | { readonly is: 'operand' }
  /** After a path that is not compared yet. */
  | { readonly is: 'operator'; readonly path: string }
  | { readonly is: 'value'; readonly path: string }
  /** After a complete comparison. */
  | { readonly is: 'junction' }
  | { readonly is: 'array' }
  | { readonly is: 'nothing' }

/** The suggestions for a position. `isTyped`: a word has been started there. */
export function optionsAt(place: Place, known: readonly KnownPath[], isTyped: boolean): readonly Option[] {
  switch (place.is) {
    case 'operand':
      return [...pathOptions(known), ...functions, { label: 'NOT', type: 'keyword' }]
    case 'operator':
      return [...operatorsFor(typesAt(place.path, known)), ...junctions]
    case 'value':
      // Most comparisons are with values, so paths are suggested only after a word was started.
      return [
        ...valuesOf(place.path, known),
        ...(isTyped ? pathOptions(known).map((option) => ({ ...option, boost: -50 })) : []),
      ]
    case 'junction':
      return junctions
    case 'array':
      return [{ label: '[', type: 'keyword', detail: 'list of values' }]
    case 'nothing':
      return []
  }
}

function pathOptions(known: readonly KnownPath[]): readonly Option[] {
  const most = Math.max(1, ...known.map(({ deviceCount }) => deviceCount))
  return known.map(({ path, types, deviceCount }) => ({
    label: path,
    type: 'property',
    ...(types.length === 0 ? {} : { detail: types.join(' or ') }),
    boost: importanceOf(path, types) + Math.round((10 * deviceCount) / most),
  }))
}

/** Tags and properties come before the members that the hub maintains, and paths that only contain others come last. */
function importanceOf(path: string, types: readonly string[]): number {
  if (types.length > 0 && types.every((type) => type === 'object')) return -40
  if (/\.\$version$/.test(path)) return -10
  if (/^tags\./.test(path)) return 40
  if (/^properties\./.test(path)) return 30
  return /^(?:deviceId|connectionState|status)$/.test(path) ? 20 : 0
}

const junctions: readonly Option[] = [
  { label: 'AND', type: 'keyword' },
  { label: 'OR', type: 'keyword' },
]

const functions: readonly Option[] = [
  { label: 'IS_DEFINED(', type: 'function', detail: 'path' },
  { label: 'STARTSWITH(', type: 'function', detail: 'text, part' },
  { label: 'ENDSWITH(', type: 'function', detail: 'text, part' },
  { label: 'CONTAINS(', type: 'function', detail: 'text, part' },
  { label: 'IS_STRING(', type: 'function', detail: 'value' },
  { label: 'IS_NUMBER(', type: 'function', detail: 'value' },
  { label: 'IS_BOOL(', type: 'function', detail: 'value' },
  { label: 'IS_NULL(', type: 'function', detail: 'value' },
  { label: 'IS_OBJECT(', type: 'function', detail: 'value' },
  { label: 'IS_ARRAY(', type: 'function', detail: 'value' },
  { label: 'IS_PRIMITIVE(', type: 'function', detail: 'value' },
]

function operatorsFor(types: readonly string[]): readonly Option[] {
  const operators = ['=', '!=', 'IN [', 'NIN [', '<', '<=', '>', '>=']
  // Booleans cannot be compared by order.
  const isOrdered = types.length === 0 || types.includes('number') || types.includes('string')
  return operators
    .slice(0, isOrdered ? operators.length : 4)
    .map((label, index) => ({ label, type: 'keyword', boost: 50 - index }))
}

function typesAt(path: string, known: readonly KnownPath[]): readonly string[] {
  return find(path, known)?.types ?? []
}

/**
 * The known path with this spelling, or a name of the hub in another case, because these names are case-insensitive.
 */
function find(path: string, known: readonly KnownPath[]): KnownPath | undefined {
  const lower = path.toLowerCase()
  return known.find((one) => one.path === path) ?? known.find((one) => one.path.toLowerCase() === lower)
}

/** All values that a name of the hub can have, whether or not a device has them now. */
const fixedValues: ReadonlyMap<string, readonly string[]> = new Map([
  ['connectionstate', ['Connected', 'Disconnected']],
  ['status', ['enabled', 'disabled']],
  ['authenticationtype', ['sas', 'selfSigned', 'certificateAuthority', 'none']],
])

function valuesOf(path: string, known: readonly KnownPath[]): readonly Option[] {
  const { sampleValues = [], types = [] } = find(path, known) ?? {}
  const values = [
    ...(fixedValues.get(path.toLowerCase()) ?? []),
    ...sampleValues,
    ...(types.includes('boolean') ? [true, false] : []),
    ...(types.includes('null') ? [null] : []),
  ]
  const labels = new Set(values.map(printValue).filter((label) => label !== undefined))
  return [...labels].map((label, index) => ({ label, type: 'constant', boost: 99 - Math.min(index, 90) }))
}

/** A value as it is written in a condition; undefined for values that conditions cannot compare. */
export function printValue(value: unknown): string | undefined {
  if (typeof value === 'string') return quote(value, "'")
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  return undefined
}

function quote(text: string, mark: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll(mark, `\\${mark}`)
    .replace(/\p{Cc}/gu, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `${mark}${escaped}${mark}`
}

/** The suggestions inside a string that begins with this quote. */
export function stringsAt(place: Place, known: readonly KnownPath[], mark: string): readonly Option[] {
  const options = place.is === 'value' ? valuesOf(place.path, known) : []
  return options
    .filter(({ label }) => label.startsWith("'"))
    .map((option) =>
      mark === "'"
        ? option
        : { ...option, label: `"${option.label.slice(1, -1).replaceAll("\\'", "'").replaceAll('"', '\\"')}"` },
    )
}
