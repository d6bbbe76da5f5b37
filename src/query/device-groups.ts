import { QueryConditionError } from '../errors.ts'
import type { Position } from './ast.ts'
import { bareCondition } from './bare-condition.ts'
import { maxConditionLength, type Token, tokenize } from './lexer.ts'
import { parseCondition } from './parser.ts'
import { indexAt } from './position-index.ts'
import { fail } from './token-reader.ts'

/** `group('north-pumps')` in a condition: from `start` to before `end`. */
type GroupCall = {
  readonly name: string
  readonly position: Position
  readonly start: number
  readonly end: number
}

const isSymbol = (token: Token | undefined, text: string): boolean => token?.kind === 'symbol' && token.text === text

function callsIn(text: string): readonly GroupCall[] {
  // Most conditions name no group, and are not cut into tokens twice.
  if (!/group/i.test(text)) return []
  const tokens = tokenize(text)
  return tokens.flatMap((token, index) => {
    const isWord = token.kind === 'name' && token.text.toLowerCase() === 'group'
    if (!isWord || isSymbol(tokens[index - 1], '.') || !isSymbol(tokens[index + 1], '(')) return []
    const [name, close] = tokens.slice(index + 2)
    if (name?.kind !== 'string' || close === undefined || !isSymbol(close, ')')) {
      return fail("group takes the name of a device group, such as group('north-pumps')", token.position)
    }
    const { position } = token
    return { name: name.text, position, start: indexAt(text, position), end: indexAt(text, close.position) + 1 }
  })
}

function replaceCalls(text: string, calls: readonly GroupCall[], replace: (call: GroupCall) => string): string {
  const ends = [0, ...calls.map(({ end }) => end)]
  const parts = calls.map((call, index) => text.slice(ends[index], call.start) + replace(call))
  return parts.join('') + text.slice(ends.at(-1))
}

/**
 * The names of the device groups in a condition, each once.
 * @throws QueryConditionError when the text cannot be cut into tokens, or when a group has no name.
 */
export const groupsIn = (text: string): readonly string[] => [...new Set(callsIn(text).map(({ name }) => name))]

/**
 * The condition with `true` in the places of its device groups, which parses when the condition is valid, whatever their
 * conditions are. What stands in for a group is as long as its name and has its line ends, so errors have the position in
 * the text.
 * @throws QueryConditionError as `groupsIn`.
 */
export const withoutGroups = (text: string): string =>
  replaceCalls(text, callsIn(text), ({ start, end }) => `true${text.slice(start + 4, end).replace(/[^\n]/g, ' ')}`)

/**
 * Checks a condition that may name device groups, whatever their conditions are.
 * @throws QueryConditionError
 */
export function checkGroupedCondition(text: string): void {
  parseCondition(withoutGroups(text))
}

/**
 * The condition with the conditions of its device groups, in parentheses, in the places of their names.
 * @throws QueryConditionError with the position in `text`: when it does not parse, for a group that is not among
 * `conditions`, and when the result exceeds a limit.
 */
export function replaceGroups(text: string, conditions: ReadonlyMap<string, string>): string {
  checkGroupedCondition(text)
  const calls = callsIn(text)
  const [first] = calls
  if (first === undefined) return text
  const replaced = replaceCalls(text, calls, ({ name, position }) => {
    const condition = conditions.get(name)
    if (condition === undefined) return fail(`there is no device group '${name.slice(0, 64)}'`, position)
    const bare = bareCondition(condition)
    return bare === undefined ? 'true' : `(${bare})`
  })
  try {
    parseCondition(replaced)
  } catch (error) {
    if (!(error instanceof QueryConditionError)) throw error
    const isLong = replaced.length > maxConditionLength
    const limit = isLong
      ? `${replaced.length} characters; at most ${maxConditionLength} are allowed`
      : 'too many terms or levels'
    fail(`with the conditions of its device groups, the condition has ${limit}`, first.position)
  }
  return replaced
}
