import type { Json, JsonObject } from '../../src/json/json.ts'
import type { Comparison, Condition, Expression } from '../../src/query/ast.ts'

// The oracle: the language carried out on a twin document as service clients see it, written from its rules and
// sharing nothing with the compiler but the tree.

type Value = Json | undefined

/** Whether the condition selects the device. */
export const selects = (condition: Condition, twin: JsonObject): boolean =>
  condition.kind === 'all' || evaluate(condition.expression, twin) === true

/** The value of an expression; logic gives true, false or undefined. */
export const evaluate = (expression: Expression, twin: JsonObject): Value => {
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'path':
      return lookUp(expression.segments, twin)
    case 'and': {
      const truths = expression.operands.map((operand) => truthOf(evaluate(operand, twin)))
      return truths.some((truth) => truth === false)
        ? false
        : truths.every((truth) => truth === true)
          ? true
          : undefined
    }
    case 'or': {
      const truths = expression.operands.map((operand) => truthOf(evaluate(operand, twin)))
      return truths.some((truth) => truth === true)
        ? true
        : truths.every((truth) => truth === false)
          ? false
          : undefined
    }
    case 'not': {
      const truth = truthOf(evaluate(expression.operand, twin))
      return truth === undefined ? undefined : !truth
    }
    case 'comparison':
      return compare(expression, evaluate(expression.left, twin), evaluate(expression.right, twin))
    case 'membership': {
      const value = evaluate(expression.operand, twin)
      if (value === undefined) return undefined
      return expression.elements.some((element) => element === value) !== expression.negated
    }
    case 'arithmetic': {
      const [a, b] = [evaluate(expression.left, twin), evaluate(expression.right, twin)]
      if (typeof a !== 'number' || typeof b !== 'number') return undefined
      return numeric({ '+': a + b, '-': a - b, '*': a * b, '/': a / b, '%': a % b }[expression.operator])
    }
    case 'negation': {
      const value = evaluate(expression.operand, twin)
      return typeof value === 'number' ? -value : undefined
    }
    case 'typeTest': {
      const value = evaluate(expression.operand, twin)
      return value !== undefined && expression.types.some((type) => type === typeOf(value))
    }
    case 'textTest': {
      const [text, part] = [evaluate(expression.text, twin), evaluate(expression.part, twin)]
      if (typeof text !== 'string' || typeof part !== 'string') return undefined
      return { startsWith: text.startsWith(part), endsWith: text.endsWith(part), contains: text.includes(part) }[
        expression.test
      ]
    }
  }
}

/** NaN is undefined. */
const numeric = (value: number): Value => (Number.isNaN(value) ? undefined : value)

const typeOf = (value: Json): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)

const truthOf = (value: Value): boolean | undefined =>
  value === null ? false : typeof value === 'boolean' ? value : undefined

const compare = ({ operator }: Comparison, a: Value, b: Value): boolean | undefined => {
  if (a === undefined || b === undefined || typeOf(a) !== typeOf(b)) return undefined
  if (typeof a === 'object' && a !== null) return undefined
  if (operator === '=') return a === b
  if (operator === '!=') return a !== b
  if (typeof a === 'string' && typeof b === 'string')
    return ordered(operator, Buffer.compare(Buffer.from(a), Buffer.from(b)))
  if (typeof a === 'number' && typeof b === 'number') return ordered(operator, a < b ? -1 : a > b ? 1 : 0)
  return undefined
}

const ordered = (operator: '<' | '<=' | '>' | '>=', sign: number): boolean =>
  ({ '<': sign < 0, '<=': sign <= 0, '>': sign > 0, '>=': sign >= 0 })[operator]

const member = (value: Value, matches: (key: string) => boolean): Value => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.entries(value).find(([key]) => matches(key))?.[1]
}

/** System names are case-blind, keys of tags, desired and reported are not. */
const lookUp = (segments: readonly string[], twin: JsonObject): Value => {
  const path = segments.length > 1 && segments[0]?.toLowerCase() === 'devices' ? segments.slice(1) : segments
  const [root = '', second = ''] = path.map((segment) => segment.toLowerCase())
  const caseBlind = root === 'properties' && ['desired', 'reported'].includes(second) ? 2 : root === 'tags' ? 1 : 9
  return path.reduce<Value>(
    (value, segment, index) =>
      member(value, (key) => (index < caseBlind ? key.toLowerCase() === segment.toLowerCase() : key === segment)),
    twin,
  )
}
