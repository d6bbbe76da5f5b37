//   job condition = '*' | FROM DEVICES [ WHERE condition ] | condition
//
// What a condition is stands in expression.ts.

import type { Condition } from './ast.ts'
import { expressionParser, type ParseOptions } from './expression.ts'
import { deviceFields } from './fields.ts'
import { refuseBareWords } from './refuse-bare-words.ts'
import { fail, readTokens } from './token-reader.ts'

/**
 * Parses a job's `queryCondition`: `*`, `FROM devices [WHERE …]`, or a bare condition. A whole SELECT, a leading WHERE
 * and aggregates are refused.
 * @throws QueryConditionError with line and column when the text does not parse or exceeds a limit.
 */
export function parseCondition(text: string, options: ParseOptions = {}): Condition {
  const reader = readTokens(text, 'condition')
  const { peek, word, takeWord, takeSymbol, expectEnd, unexpected } = reader
  const { parsePath, parseWhere } = expressionParser(reader, options)

  /** A job is for devices, and this hub has no modules. */
  const parseSource = (): void => {
    const { position, segments } = parsePath()
    const source = segments.join('.').toLowerCase()
    if (source === 'devices.modules') fail('this hub has no modules; write FROM devices', position)
    if (source !== 'devices') fail(`unknown collection '${source}'; write FROM devices`, position)
  }

  const parseAll = (): Condition => {
    if (takeSymbol('*')) return { kind: 'all' }
    if (word() === 'select' || word() === 'where')
      unexpected('a condition is the part after WHERE, or * for all devices')
    if (!takeWord('from')) return parseWhere()
    parseSource()
    if (peek().kind === 'end') return { kind: 'all' }
    return takeWord('where') ? parseWhere() : unexpected('expected WHERE')
  }

  const condition = parseAll()
  expectEnd()
  refuseBareWords(condition, deviceFields)
  return condition
}
