import type { Constant, Expression, ValueType } from '../../src/query/ast.ts'

const hexadecimal = (code: number) => `\\u${code.toString(16).padStart(4, '0')}`

/** A string in the language: control characters as escapes, both kinds of quotes in turn. */
const printString = (value: string): string => {
  const quote = value.includes("'") ? '"' : "'"
  const body = [...value].map((character) => {
    if (character === '\\' || character === quote) return `\\${character}`
    return character < ' ' ? hexadecimal(character.charCodeAt(0)) : character
  })
  return `${quote}${body.join('')}${quote}`
}

export const printConstant = (value: Constant): string => {
  if (typeof value === 'string') return printString(value)
  if (value === Infinity) return '1e999'
  if (value === -Infinity) return '-1e999'
  return Object.is(value, -0) ? '-0' : String(value)
}

const functionOf = (types: readonly ValueType[]): string => {
  if (types.length === 6) return 'IS_DEFINED'
  if (types.length === 4) return 'IS_PRIMITIVE'
  return {
    null: 'IS_NULL',
    boolean: 'IS_BOOL',
    number: 'IS_NUMBER',
    string: 'IS_STRING',
    object: 'IS_OBJECT',
    array: 'IS_ARRAY',
  }[types[0] ?? 'null']
}

/** The text of an expression, every operation in parentheses and every path segment but the first in brackets. */
export const print = (expression: Expression): string => {
  switch (expression.kind) {
    case 'literal':
      return printConstant(expression.value)
    case 'path': {
      const [root, ...rest] = expression.segments
      return [root, ...rest.map((segment) => `[[${segment}]]`)].join('.')
    }
    case 'comparison':
    case 'arithmetic':
      return `(${print(expression.left)} ${expression.operator} ${print(expression.right)})`
    case 'membership': {
      const elements = expression.elements.map(printConstant).join(', ')
      return `(${print(expression.operand)} ${expression.negated ? 'NIN' : 'IN'} [${elements}])`
    }
    case 'and':
    case 'or':
      return `(${expression.operands.map(print).join(` ${expression.kind} `)})`
    case 'not':
      return `(NOT ${print(expression.operand)})`
    case 'negation':
      return `(- ${print(expression.operand)})`
    case 'typeTest':
      return `${functionOf(expression.types)}(${print(expression.operand)})`
    case 'textTest': {
      const name = { startsWith: 'STARTSWITH', endsWith: 'ENDSWITH', contains: 'CONTAINS' }[expression.test]
      return `${name}(${print(expression.text)}, ${print(expression.part)})`
    }
  }
}
