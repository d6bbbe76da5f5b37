// The grammar. Words in capitals are taken without regard to case; names below tags and properties keep theirs.
//
//   condition     = and { OR and }
//   and           = not { AND not }
//   not           = NOT not | comparison
//   comparison    = sum { operator sum | ( IN | NIN ) array }
//   operator      = '=' | '!=' | '<>' | '<' | '<=' | '>' | '>='
//   sum           = product { ( '+' | '-' ) product }
//   product       = unary { ( '*' | '/' | '%' ) unary }
//   unary         = '-' unary | primary
//   primary       = '(' condition ')' | constant | name '(' [ condition { ',' condition } ] ')' | path
//   array         = '[' element { ',' element } ']'
//   element       = [ '-' ] number | string | TRUE | FALSE | NULL
//   constant      = number | string | TRUE | FALSE | NULL | UNDEFINED
//   path          = segment { '.' segment }
//   segment       = name | '[[' text ']]'

import type { ArithmeticOperator, ComparisonOperator, Condition, Constant, Expression, Path, Position } from './ast.ts'
import { aggregates, functions, strictFunctions } from './function-signatures.ts'
import { checkLimits, maxElements, maxNesting, maxSegments, nestingMessage } from './limits.ts'
import { fail, reservedWords, type TokenReader } from './token-reader.ts'

/** `strict`: refuse what this hub accepts and Azure IoT Hub does not, so that the text also works there. */
export type ParseOptions = {
  readonly strict?: boolean | undefined
}

/** Parsers for the parts of conditions and statements. Each reads from the current token on. */
export type ExpressionParser = {
  /** A condition; the caller checks what follows it. */
  parseWhere(): Condition
  parsePath(): Path
  /** A name or a text in brackets. A reserved word ends the path that it would start, and gets a hint within a path. */
  parseSegment(onReservedWord: 'unexpected' | 'reserved'): string
}

const constants: ReadonlyMap<string, Constant> = new Map<string, Constant>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['undefined', undefined],
])

const comparisonOperators: ReadonlyMap<string, ComparisonOperator> = new Map<string, ComparisonOperator>([
  ['=', '='],
  ['!=', '!='],
  ['<>', '!='],
  ['<', '<'],
  ['<=', '<='],
  ['>', '>'],
  ['>=', '>='],
])

const sumOperators: readonly ArithmeticOperator[] = ['+', '-']
const productOperators: readonly ArithmeticOperator[] = ['*', '/', '%']

/** A parser of expressions over these tokens. Its functions throw QueryConditionError. */
export function expressionParser(reader: TokenReader, { strict = false }: ParseOptions): ExpressionParser {
  const { peek, skip, word, symbol, takeWord, takeSymbol, expectSymbol, unexpected } = reader
  let nesting = 0

  /** Limits the parser's own recursion; `checkLimits` limits the depth of the tree. */
  const nested = (parse: () => Expression): Expression => {
    if (++nesting > maxNesting) fail(nestingMessage, peek().position)
    const expression = parse()
    nesting--
    return expression
  }

  const parseJunction = (kind: 'and' | 'or', parseOperand: () => Expression): Expression => {
    const first = parseOperand()
    const operands = [first]
    const { position } = peek()
    while (takeWord(kind)) operands.push(parseOperand())
    return operands.length === 1 ? first : { kind, operands, position }
  }

  const parseOr = (): Expression => parseJunction('or', parseAnd)

  const parseAnd = (): Expression => parseJunction('and', parseNot)

  const parseNot = (): Expression => {
    const { position } = peek()
    return takeWord('not') ? { kind: 'not', operand: nested(parseNot), position } : parseComparison()
  }

  const parseComparison = (): Expression => {
    let left = parseSum()
    for (;;) {
      const { position } = peek()
      const operator = comparisonOperators.get(symbol())
      if (operator !== undefined) {
        skip()
        left = { kind: 'comparison', operator, left, right: parseSum(), position }
      } else if (word() === 'in' || word() === 'nin') {
        const negated = word() === 'nin'
        skip()
        left = { kind: 'membership', negated, operand: left, elements: parseArray(), position }
      } else return left
    }
  }

  const parseArithmetic = (operators: readonly ArithmeticOperator[], parseOperand: () => Expression): Expression => {
    let left = parseOperand()
    for (;;) {
      const { position } = peek()
      const operator = operators.find((candidate) => candidate === symbol())
      if (operator === undefined) return left
      skip()
      left = { kind: 'arithmetic', operator, left, right: parseOperand(), position }
    }
  }

  const parseSum = (): Expression => parseArithmetic(sumOperators, parseProduct)

  const parseProduct = (): Expression => parseArithmetic(productOperators, parseUnary)

  const parseUnary = (): Expression => {
    const { position } = peek()
    return takeSymbol('-') ? { kind: 'negation', operand: nested(parseUnary), position } : parsePrimary()
  }

  const parsePrimary = (): Expression => {
    const token = peek()
    const { position } = token
    if (token.kind === 'number') {
      skip()
      return { kind: 'literal', value: token.value, position }
    }
    if (token.kind === 'string') {
      skip()
      return { kind: 'literal', value: token.text, position }
    }
    if (takeSymbol('(')) {
      const inner = nested(parseOr)
      expectSymbol(')')
      return inner
    }
    if (constants.has(word())) {
      const value = constants.get(word())
      skip()
      return { kind: 'literal', value, position }
    }
    const next = peek(1)
    if (token.kind === 'name' && !reservedWords.has(word()) && next.kind === 'symbol' && next.text === '(')
      return parseCall(token.text, position)
    // The conditions of groups are put in before a condition is parsed.
    if (word() === 'group' && next.kind === 'symbol' && next.text === '(')
      fail('a device group can be named in conditions over GraphQL only, and not in the condition of a group', position)
    return parsePath()
  }

  const parseCall = (name: string, position: Position): Expression => {
    const rule = functions.get(name.toUpperCase())
    if (aggregates.has(name.toUpperCase()))
      fail(`${name} is an aggregate; a condition cannot contain aggregates`, position)
    if (rule === undefined)
      return fail(`unknown function ${name}; known functions: ${[...functions.keys()].join(', ')}`, position)
    if (strict && !strictFunctions.has(name.toUpperCase()))
      fail(`${name} is not allowed in strict mode; allowed functions: ${[...strictFunctions].join(', ')}`, position)
    skip()
    skip()
    const operands: Expression[] = []
    if (symbol() !== ')') {
      do operands.push(nested(parseOr))
      while (takeSymbol(','))
    }
    expectSymbol(')')
    const [first, second, ...more] = operands
    if (rule.kind === 'typeTest') {
      if (first === undefined || second !== undefined) return fail(`${name} takes one argument`, position)
      if (rule.pathOnly && first.kind !== 'path') fail(`${name} takes a path`, first.position)
      return { kind: 'typeTest', types: rule.types, operand: first, position }
    }
    if (first === undefined || second === undefined || more.length > 0)
      return fail(`${name} takes two arguments`, position)
    return { kind: 'textTest', test: rule.test, text: first, part: second, position }
  }

  const parsePath = (): Path => {
    const { position } = peek()
    const segments = [parseSegment('unexpected')]
    while (takeSymbol('.')) {
      if (segments.length === maxSegments)
        fail(`path too long; at most ${maxSegments} segments are allowed`, peek().position)
      segments.push(parseSegment('reserved'))
    }
    return { kind: 'path', segments, position }
  }

  const parseSegment = (onReservedWord: 'unexpected' | 'reserved'): string => {
    const token = peek()
    if (token.kind !== 'name' && token.kind !== 'segment') return unexpected()
    if (reservedWords.has(word())) {
      if (onReservedWord === 'unexpected') return unexpected()
      return fail(`reserved word '${token.text}' in path; write [[${token.text}]]`, token.position)
    }
    skip()
    return token.text
  }

  const parseArray = (): Exclude<Constant, undefined>[] => {
    expectSymbol('[')
    if (symbol() === ']') fail('empty array; at least one element is required', peek().position)
    const elements: Exclude<Constant, undefined>[] = []
    do {
      if (elements.length === maxElements)
        fail(`too many elements; at most ${maxElements} are allowed`, peek().position)
      elements.push(parseElement())
    } while (takeSymbol(','))
    expectSymbol(']')
    return elements
  }

  const parseElement = (): Exclude<Constant, undefined> => {
    const negative = takeSymbol('-')
    const token = peek()
    const value =
      token.kind === 'number'
        ? negative
          ? -token.value
          : token.value
        : negative
          ? undefined
          : token.kind === 'string'
            ? token.text
            : constants.get(word())
    if (value === undefined) return unexpected('expected a constant')
    skip()
    return value
  }

  const parseWhere = (): Condition => {
    const expression = parseOr()
    if (word() === 'not') unexpected('write NIN instead of NOT IN')
    checkLimits(expression)
    return { kind: 'where', expression }
  }

  return { parseWhere, parsePath, parseSegment }
}
