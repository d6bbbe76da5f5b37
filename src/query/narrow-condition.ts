import { bareCondition } from './bare-condition.ts'
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
