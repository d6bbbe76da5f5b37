import { InvalidInputError } from '../errors.ts'

/** What people call a job and say about it, and the labels by which they find it; null for what was not given. */
export type Naming = {
  readonly name: string | null
  readonly description: string | null
  readonly labels: Labels | null
}

/** The values of labels by their names. */
export type Labels = Readonly<Record<string, string>>

/** What a client sends; `undefined` and `null` mean "left out". Labels are a list of names and values. */
export type NamingInput = {
  readonly name?: unknown
  readonly description?: unknown
  readonly labels?: unknown
}

const longestName = 200
const longestDescription = 2000
const mostLabels = 20
const longestLabelName = 64
const longestLabelValue = 200

/** The naming of a job, as it is stored. InvalidInputError with the path of the member. */
export const checkNaming = (input: NamingInput): Naming => ({
  name: checkName(input.name),
  description: checkDescription(input.description),
  labels: checkLabels(input.labels),
})

/** The members of the naming that are given, to replace those of a job: null takes one away. InvalidInputError. */
export const checkNamingChange = ({ name, description, labels }: NamingInput): Partial<Naming> => ({
  ...(name !== undefined && { name: checkName(name) }),
  ...(description !== undefined && { description: checkDescription(description) }),
  ...(labels !== undefined && { labels: checkLabels(labels) }),
})

const checkName = (name: unknown): string | null => (name == null ? null : checkText(name, ['name'], 1, longestName))

/** A description, for people; null for none. InvalidInputError. */
export const checkDescription = (text: unknown): string | null =>
  text == null ? null : checkText(text, ['description'], 0, longestDescription) || null

function checkLabels(labels: unknown): Labels | null {
  if (labels == null) return null
  const path = ['labels']
  if (!Array.isArray(labels)) throw new InvalidInputError(path, 'Labels must be a list of names and values.')
  if (labels.length > mostLabels) throw new InvalidInputError(path, `A job has at most ${mostLabels} labels.`)
  const checked = new Map<string, string>()
  for (const [index, label] of labels.entries()) {
    const { name, value }: Readonly<Record<string, unknown>> = { ...label }
    const at = [...path, String(index)]
    const labelName = checkLabelName(name, [...at, 'name'])
    if (checked.has(labelName)) throw new InvalidInputError([...at, 'name'], `The label "${labelName}" is given twice.`)
    checked.set(labelName, checkText(value, [...at, 'value'], 0, longestLabelValue))
  }
  return checked.size === 0 ? null : Object.fromEntries(checked)
}

/** The name of a label. InvalidInputError. */
export function checkLabelName(name: unknown, path: readonly string[]): string {
  if (typeof name === 'string' && new RegExp(`^[A-Za-z0-9._/-]{1,${longestLabelName}}$`).test(name)) return name
  throw new InvalidInputError(
    path,
    `The name of a label must consist of 1 to ${longestLabelName} ASCII letters, digits, dots, slashes, dashes and underscores.`,
  )
}

/** PostgreSQL cannot store U+0000. */
function checkText(value: unknown, path: readonly string[], shortest: number, longest: number): string {
  if (typeof value === 'string' && value.length >= shortest && value.length <= longest && !value.includes('\0')) {
    return value
  }
  const length = shortest === 0 ? `at most ${longest}` : `${shortest} to ${longest}`
  throw new InvalidInputError(path, `This must be a text of ${length} characters, without U+0000.`)
}
