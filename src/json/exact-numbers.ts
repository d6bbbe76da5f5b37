import { randomUUID } from 'node:crypto'
import { JsonText } from './json-text.ts'

// JSON.parse reads numbers as IEEE 754 doubles: 12345678901234567890 becomes 12345678901234567000, and 1e999 becomes Infinity,
// which JSON.stringify prints as null.

/** A string, which is passed over, or a number. */
const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
/** Only a text that matches can have such numbers; most texts do not. */
const suspect = /\d{16}|[eE][+-]?\d{3}/

/** Whether a double cannot hold this number: an integer with other digits, or a number out of range. */
function isInexact(token: string): boolean {
  if (token.startsWith('"')) return false
  const number = Number(token)
  if (/^-?\d+$/.test(token)) return String(number) !== token && number !== 0
  return !Number.isFinite(number) || (number === 0 && /^[^eE]*[1-9]/.test(token))
}

/** The first number in a JSON text that a double cannot hold. */
export const inexactNumberIn = (text: string): string | undefined =>
  suspect.test(text) ? text.match(tokens)?.find(isInexact) : undefined

/** Begins the string in the place of such a number. It is secret, so no other string begins with it. */
const mark = randomUUID()

/** Parses JSON. Numbers that a double cannot hold are JsonText, and so keep their digits when the value is printed. */
export function parseExactly(text: string): unknown {
  if (inexactNumberIn(text) === undefined) return JSON.parse(text)
  const numbers: JsonText[] = []
  const marked = text.replace(tokens, (token) =>
    isInexact(token) ? `"${mark}${numbers.push(new JsonText(token)) - 1}"` : token,
  )
  return JSON.parse(marked, (_key, value) =>
    typeof value === 'string' && value.startsWith(mark) ? numbers[Number(value.slice(mark.length))] : value,
  )
}
