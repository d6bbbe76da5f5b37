import { tokenize } from './lexer.ts'
import { parseCondition } from './parser.ts'

/**
 * The conjunction of two conditions; `*` is dropped. The texts stay as they were written, in parentheses when there are
 * two.
 * @throws QueryConditionError when one of them does not parse, with the position in that one; or when both together
 * exceed a limit.
 */
export function narrowCondition(condition: string, further: string): string {
  const texts = [condition, further].flatMap((text) => bareCondition(text) ?? [])
  const [first, second] = texts
  if (first === undefined) return '*'
  if (second === undefined || first === second) return first
  const both = `(${first}) AND (${second})`
  parseCondition(both)
  return both
}

/** The condition after `FROM devices WHERE`, if that is present; undefined for a condition that all devices meet. */
function bareCondition(text: string): string | undefined {
  if (parseCondition(text).kind === 'all') return undefined
  const tokens = tokenize(text)
  const [first] = tokens
  // It has parsed, so FROM is followed by one name and WHERE.
  const start = first?.kind === 'name' && first.text.toLowerCase() === 'from' ? tokens[3] : first
  if (start === undefined) return undefined
  const { line, column } = start.position
  const before = text.split('\n').slice(0, line - 1)
  return text.slice(before.reduce((length, { length: more }) => length + more + 1, column - 1)).trim()
}
