import type { Fragment } from '../sql-fragment.ts'

function assemble(texts: readonly string[], holes: readonly Fragment[]): Fragment {
  const strings = [texts[0] ?? '']
  const values: unknown[] = []
  const append = (text: string) => strings.push(`${strings.pop() ?? ''}${text}`)
  for (const [index, hole] of holes.entries()) {
    append(hole.strings[0] ?? '')
    for (const text of hole.strings.slice(1)) strings.push(text)
    for (const value of hole.values) values.push(value)
    append(texts[index + 1] ?? '')
  }
  return { strings, values }
}

/**
 * Joins fragments into one. A hole takes only fragments, so text can only come from the source of this program, and a
 * value only through one of the `bind…` functions.
 */
export const sql = (template: TemplateStringsArray, ...holes: readonly Fragment[]): Fragment =>
  assemble(template, holes)

/** Fragments with a separator between each two. */
export const join = (fragments: readonly Fragment[], separator: ' and ' | ' or ' | ', '): Fragment =>
  assemble(['', ...fragments.slice(1).map(() => separator), ''], fragments)

const parameter = (value: unknown): Fragment => ({ strings: ['', ''], values: [value] })

/** Numbers are passed as text: a driver that goes through JSON would lose Infinity and the sign of zero. */
const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))

export const bindText = (value: string): Fragment => sql`${parameter(value)}::text`
export const bindNumber = (value: number): Fragment => sql`${parameter(numberText(value))}::float8`
export const bindBoolean = (value: boolean): Fragment => sql`${parameter(value)}::boolean`
/** A JSON document, given as its text. */
export const bindJson = (text: string): Fragment => sql`${parameter(text)}::jsonb`
export const bindTexts = (values: readonly string[]): Fragment => sql`${parameter([...values])}::text[]`
export const bindNumbers = (values: readonly number[]): Fragment => sql`${parameter(values.map(numberText))}::float8[]`
export const bindBooleans = (values: readonly boolean[]): Fragment => sql`${parameter([...values])}::boolean[]`
