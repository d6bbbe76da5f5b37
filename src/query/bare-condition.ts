import { tokenize } from './lexer.ts'
import { parseCondition } from './parser.ts'
import { indexAt } from './position-index.ts'

/**
 * The condition after `FROM devices WHERE`, if that is present; undefined for a condition that all devices meet.
 * @throws QueryConditionError
 */
export function bareCondition(text: string): string | undefined {
  if (parseCondition(text).kind === 'all') return undefined
  const tokens = tokenize(text)
  const [first] = tokens
  // It has parsed, so FROM is followed by one name and WHERE.
  const start = first?.kind === 'name' && first.text.toLowerCase() === 'from' ? tokens[3] : first
  return start && text.slice(indexAt(text, start.position)).trim()
}
