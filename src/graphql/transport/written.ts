import { NotShownError } from '../../errors.ts'
import { isDeeper, maxPrintedDepth } from '../../json/json.ts'
import { overBudget } from '../../json/json-budget.ts'
import { JsonText, jsonTextOf, onOneLine } from '../../json/json-text.ts'

const any = Number.POSITIVE_INFINITY
const printable = { bytes: any, members: any, depth: maxPrintedDepth }

const notShown = (): NotShownError =>
  new NotShownError(`This value is nested more than ${maxPrintedDepth} levels deep and is not shown.`)

/** JSON as a device wrote it, which was checked to be JSON when it came. NotShownError for one that is too deep. */
export function asWritten(text: string): JsonText {
  if (mayBeDeep(text) && overBudget(Buffer.from(text), printable) !== undefined) throw notShown()
  return new JsonText(onOneLine(text))
}

/** Whether there are as many brackets as it takes: most texts have fewer, and to look for a sign takes next to nothing. */
function mayBeDeep(text: string): boolean {
  let brackets = 0
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      if (++brackets > maxPrintedDepth) return true
    }
  }
  return false
}

/** A value of the type JSON, an object as text: it is printed once for all names that it has. NotShownError. */
export function serializeJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (!(value instanceof JsonText) && isDeeper(value, maxPrintedDepth)) throw notShown()
  return jsonTextOf(value)
}

/** Makes the text of a row once, for all names by which a client asks for it. */
export function memoized<Row extends object>(textOf: (row: Row) => JsonText): (row: Row) => JsonText {
  const texts = new WeakMap<Row, JsonText>()
  return (row) => {
    const text = texts.get(row) ?? textOf(row)
    texts.set(row, text)
    return text
  }
}
