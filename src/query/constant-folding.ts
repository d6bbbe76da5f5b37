import type { ArithmeticOperator, ComparisonOperator, Constant, Expression, TextTestName, ValueType } from './ast.ts'
import { type FieldMap, resolve } from './resolve-path.ts'

/** Ordinal order of texts, by Unicode code point: the order of PostgreSQL's collation "C" over UTF-8. */
function compareTexts(left: string, right: string): number {
  for (let index = 0; ; ) {
    const a = left.codePointAt(index)
    const b = right.codePointAt(index)
    if (a === undefined || b === undefined) return left.length - right.length
    if (a !== b) return a - b
    index += a > 0xffff ? 2 : 1
  }
}

/** The order of two values of one type in the language; only texts and numbers have an order beyond equality. */
function order(left: Constant, right: Constant): number | 'different' | 'incomparable' {
  if (typeof left === 'number' && typeof right === 'number') return left < right ? -1 : left > right ? 1 : 0
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right)
  if (typeof left !== typeof right || left === undefined) return 'incomparable'
  return left === right ? 0 : 'different'
}

function compare(operator: ComparisonOperator, left: Constant, right: Constant): boolean | undefined {
  const ordered = order(left, right)
  if (ordered === 'incomparable') return undefined
  if (operator === '=') return ordered === 0
  if (operator === '!=') return ordered !== 0
  if (typeof ordered === 'string' || left === null || typeof left === 'boolean') return undefined
  switch (operator) {
    case '<':
      return ordered < 0
    case '<=':
      return ordered <= 0
    case '>':
      return ordered > 0
    case '>=':
      return ordered >= 0
  }
}

function calculate(operator: ArithmeticOperator, left: Constant, right: Constant): number | undefined {
  if (typeof left !== 'number' || typeof right !== 'number') return undefined
  const results = { '+': left + right, '-': left - right, '*': left * right, '/': left / right, '%': left % right }
  return Number.isNaN(results[operator]) ? undefined : results[operator]
}

function test(name: TextTestName, text: Constant, part: Constant): boolean | undefined {
  if (typeof text !== 'string' || typeof part !== 'string') return undefined
  switch (name) {
    case 'startsWith':
      return text.startsWith(part)
    case 'endsWith':
      return text.endsWith(part)
    case 'contains':
      return text.includes(part)
  }
}

function typeOf(value: Constant): ValueType | undefined {
  if (value === null) return 'null'
  const type = typeof value
  return type === 'boolean' || type === 'number' || type === 'string' ? type : undefined
}

/**
 * A constant as an operand of NOT, AND, OR: null acts like false, and any other value that is not a Boolean is
 * undefined.
 */
const truthOf = (value: Constant): boolean | undefined =>
  typeof value === 'boolean' ? value : value === null ? false : undefined

const conjunction = (values: readonly (boolean | undefined)[], absorbing: boolean): boolean | undefined =>
  values.includes(absorbing) ? absorbing : values.includes(undefined) ? undefined : !absorbing

const flipped = { '=': '=', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const

/**
 * Replaces constant parts by their values: expressions of constants, and paths that lead nowhere (undefined).
 * Afterwards, a comparison with a constant has it on the right. The meaning never changes.
 */
export function fold(expression: Expression, fields: FieldMap): Expression {
  const { position } = expression
  const literal = (value: Constant): Expression => ({ kind: 'literal', value, position })
  switch (expression.kind) {
    case 'literal':
      return expression
    case 'path':
      return resolve(fields, expression.segments).kind === 'undefined' ? literal(undefined) : expression
    case 'and':
    case 'or': {
      const operands = expression.operands.map((operand) => fold(operand, fields))
      const values = operands.flatMap((operand) => (operand.kind === 'literal' ? [truthOf(operand.value)] : []))
      const absorbing = expression.kind === 'or'
      if (values.length === operands.length || values.includes(absorbing))
        return literal(conjunction(values, absorbing))
      return { ...expression, operands }
    }
    case 'not': {
      const operand = fold(expression.operand, fields)
      if (operand.kind !== 'literal') return { ...expression, operand }
      const value = truthOf(operand.value)
      return literal(value === undefined ? undefined : !value)
    }
    case 'comparison': {
      const left = fold(expression.left, fields)
      const right = fold(expression.right, fields)
      if (left.kind !== 'literal') return { ...expression, left, right }
      if (right.kind === 'literal') return literal(compare(expression.operator, left.value, right.value))
      return { ...expression, operator: flipped[expression.operator], left: right, right: left }
    }
    case 'membership': {
      const operand = fold(expression.operand, fields)
      if (operand.kind !== 'literal') return { ...expression, operand }
      const { value } = operand
      if (value === undefined) return literal(undefined)
      return literal(expression.elements.some((element) => element === value) !== expression.negated)
    }
    case 'arithmetic': {
      const left = fold(expression.left, fields)
      const right = fold(expression.right, fields)
      if (left.kind !== 'literal' || right.kind !== 'literal') return { ...expression, left, right }
      return literal(calculate(expression.operator, left.value, right.value))
    }
    case 'negation': {
      const operand = fold(expression.operand, fields)
      if (operand.kind !== 'literal') return { ...expression, operand }
      return literal(typeof operand.value === 'number' ? -operand.value : undefined)
    }
    case 'typeTest': {
      const operand = fold(expression.operand, fields)
      if (operand.kind !== 'literal') return { ...expression, operand }
      return literal(expression.types.some((type) => type === typeOf(operand.value)))
    }
    case 'textTest': {
      const text = fold(expression.text, fields)
      const part = fold(expression.part, fields)
      if (text.kind !== 'literal' || part.kind !== 'literal') return { ...expression, text, part }
      return literal(test(expression.test, text.value, part.value))
    }
  }
}
