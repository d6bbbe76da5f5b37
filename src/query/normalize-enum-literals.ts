import type { Condition, Constant, Expression } from './ast.ts'
import type { Words } from './enum-aliases.ts'
import { type FieldMap, resolve } from './resolve-path.ts'
import { fail } from './token-reader.ts'

/**
 * The condition with words of closed lists as rows have them, whatever their spelling and case. So a comparison with a
 * word that no row can have is an error, not a query without results.
 * @throws QueryConditionError for an unknown word; the message names the known ones.
 */
export function normalizeEnumLiterals(condition: Condition, fields: FieldMap): Condition {
  const wordsOf = (expression: Expression): Words | undefined => {
    const target = expression.kind === 'path' ? resolve(fields, expression.segments) : undefined
    return target?.kind === 'text' ? target.words : undefined
  }

  const read = <Value extends Constant>(value: Value, words: Words, { position }: Expression): Value | string => {
    if (typeof value !== 'string') return value
    return (
      words.canonical(value) ??
      fail(`unknown ${words.noun} '${value.slice(0, 64)}'; allowed: ${words.known.join(', ')}`, position)
    )
  }

  const walk = (expression: Expression): Expression => {
    switch (expression.kind) {
      case 'literal':
      case 'path':
        return expression
      case 'and':
      case 'or':
        return { ...expression, operands: expression.operands.map(walk) }
      case 'not':
      case 'negation':
      case 'typeTest':
        return { ...expression, operand: walk(expression.operand) }
      case 'arithmetic':
        return { ...expression, left: walk(expression.left), right: walk(expression.right) }
      case 'textTest':
        return { ...expression, text: walk(expression.text), part: walk(expression.part) }
      case 'membership': {
        const words = wordsOf(expression.operand)
        if (words === undefined) return { ...expression, operand: walk(expression.operand) }
        return { ...expression, elements: expression.elements.map((element) => read(element, words, expression)) }
      }
      case 'comparison': {
        const { operator, left, right } = expression
        const isEquality = operator === '=' || operator === '!='
        const inPlace = (side: Expression, other: Expression): Expression => {
          const words = isEquality ? wordsOf(other) : undefined
          return side.kind === 'literal' && words !== undefined
            ? { ...side, value: read(side.value, words, side) }
            : walk(side)
        }
        return { ...expression, left: inPlace(left, right), right: inPlace(right, left) }
      }
    }
  }

  return condition.kind === 'all' ? condition : { kind: 'where', expression: walk(condition.expression) }
}
