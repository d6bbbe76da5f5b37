/** A path that really exists, and what devices have there. */
export type KnownPath = {
  readonly path: string
  readonly types: readonly string[]
  readonly deviceCount: number
  readonly sampleValues: readonly unknown[]
}

/** A thing that could stand here. */
export type Option = {
  /** What is put in. */
  readonly label: string
  readonly type: 'property' | 'constant' | 'keyword' | 'function'
  /** A few words next to it. */
  readonly detail?: string
  /** Larger ones come first; within -99 to 99. */
  readonly boost?: number
}

/** What kind of thing may stand at a place in a condition. */
export type Place =
  | { readonly is: 'operand' }
  /** Behind a path that is not compared yet. */
  | { readonly is: 'operator'; readonly path: string }
  | { readonly is: 'value'; readonly path: string }
  /** Behind something complete. */
  | { readonly is: 'junction' }
  | { readonly is: 'array' }
  | { readonly is: 'nothing' }

/** What may stand at a place. `isTyped`: a word has been started there. */
export function optionsAt(place: Place, known: readonly KnownPath[], isTyped: boolean): readonly Option[] {
  switch (place.is) {
    case 'operand':
      return [...pathOptions(known), ...functions, { label: 'NOT', type: 'keyword' }]
    case 'operator':
      return [...operatorsFor(typesAt(place.path, known)), ...junctions]
    case 'value':
      // Most comparisons are with values; paths are offered once one is being typed.
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

/** What people select devices by comes before what the hub keeps of them, and what only holds others comes last. */
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
  // Booleans have no order.
  const isOrdered = types.length === 0 || types.includes('number') || types.includes('string')
  return operators
    .slice(0, isOrdered ? operators.length : 4)
    .map((label, index) => ({ label, type: 'keyword', boost: 50 - index }))
}

function typesAt(path: string, known: readonly KnownPath[]): readonly string[] {
  return find(path, known)?.types ?? []
}

/** The known path as it is written, or else, as the names of the hub are case-blind, in another case. */
function find(path: string, known: readonly KnownPath[]): KnownPath | undefined {
  const lower = path.toLowerCase()
  return known.find((one) => one.path === path) ?? known.find((one) => one.path.toLowerCase() === lower)
}

/** What the names of the hub can be, whether a device is so now or not. */
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

/** A value as a condition writes it; undefined for what it cannot compare with. */
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

/** The texts that may stand at a place where one was begun with this quote. */
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
