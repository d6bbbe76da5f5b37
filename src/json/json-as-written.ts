import { NotShownError } from '../errors.ts'
import { isDeeper, maxPrintedDepth } from './json.ts'
import { overBudget } from './json-budget.ts'
import { JsonText, jsonTextOf, onOneLine } from './json-text.ts'

const any = Number.POSITIVE_INFINITY
const printable = { bytes: any, members: any, depth: maxPrintedDepth }

const notShown = (): NotShownError =>
  new NotShownError(`This value is not shown, because it is nested more than ${maxPrintedDepth} levels deep.`)

/** JSON text as a device wrote it. It was validated when it arrived. NotShownError when it is nested too deeply. */
export function asWritten(text: string): JsonText {
  if (mayBeDeep(text) && overBudget(Buffer.from(text), printable) !== undefined) throw notShown()
  return new JsonText(onOneLine(text))
}

/**
 * Whether there are enough brackets for too deep a text. Most texts have fewer, and searching for a character is cheap.
 */
function mayBeDeep(text: string): boolean {
  let brackets = 0
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++brackets > maxPrintedDepth) return true
    }
  }
  return false
}

/** A value of the type JSON. An object becomes text, which is printed once for all its aliases. NotShownError. */
export function serializeJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (!(value instanceof JsonText) && isDeeper(value, maxPrintedDepth)) throw notShown()
  return jsonTextOf(value)
}

/** Creates the text of a row once, for all aliases in a query. */
export function memoized<Row extends object>(textOf: (row: Row) => JsonText): (row: Row) => JsonText {
  const texts = new WeakMap<Row, JsonText>()
  return (row) => {
    const text = texts.get(row) ?? textOf(row)
    texts.set(row, text)
    return text
  }
}
