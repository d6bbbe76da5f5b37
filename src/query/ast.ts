/** A position in the text. Both numbers count from 1; the column counts UTF-16 code units. */
export type Position = {
  readonly line: number
  readonly column: number
}

type Node = {
  readonly position: Position
}

/** A constant. `undefined` is a value of the language: that of a path that leads nowhere. */
export type Literal = Node & {
  readonly kind: 'literal'
  readonly value: Constant
}

export type Constant = undefined | null | boolean | number | string

/** `tags.site`, `[[deviceId]]`: one or more segments as they were written, without quotes. */
export type Path = Node & {
  readonly kind: 'path'
  readonly segments: readonly string[]
}

export type ComparisonOperator = '=' | '!=' | '<' | '<=' | '>' | '>='

export type Comparison = Node & {
  readonly kind: 'comparison'
  readonly operator: ComparisonOperator
  readonly left: Expression
  readonly right: Expression
}

/** `operand IN [elements]`, or NIN when `negated`. */
export type Membership = Node & {
  readonly kind: 'membership'
  readonly negated: boolean
  readonly operand: Expression
  readonly elements: readonly Exclude<Constant, undefined>[]
}

/** A chain of AND or OR, flat, with two or more operands. */
export type Junction = Node & {
  readonly kind: 'and' | 'or'
  readonly operands: readonly Expression[]
}

export type Not = Node & {
  readonly kind: 'not'
  readonly operand: Expression
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%'

export type Arithmetic = Node & {
  readonly kind: 'arithmetic'
  readonly operator: ArithmeticOperator
  readonly left: Expression
  readonly right: Expression
}

/** Unary minus. */
export type Negation = Node & {
  readonly kind: 'negation'
  readonly operand: Expression
}

/** `IS_STRING(x)`: whether the value has one of the types. False for undefined, never undefined itself. */
export type TypeTest = Node & {
  readonly kind: 'typeTest'
  readonly types: readonly ValueType[]
  readonly operand: Expression
}

/** The types of a value. A value without a type is undefined. */
export type ValueType = 'null' | 'boolean' | 'number' | 'string' | 'object' | 'array'

/** `STARTSWITH(text, part)` and similar functions: undefined unless both are strings. */
export type TextTest = Node & {
  readonly kind: 'textTest'
  readonly test: TextTestName
  readonly text: Expression
  readonly part: Expression
}

export type TextTestName = 'startsWith' | 'endsWith' | 'contains'

export type Expression =
  | Literal
  | Path
  | Comparison
  | Membership
  | Junction
  | Not
  | Arithmetic
  | Negation
  | TypeTest
  | TextTest

/** A job's condition: `*` for every device, anything else is a WHERE expression. */
export type Condition = { readonly kind: 'all' } | { readonly kind: 'where'; readonly expression: Expression }

/** The collection that a statement reads. */
export type CollectionName = 'devices' | 'devices.modules' | 'devices.jobs'

/** A value of each row: `tags.site AS site`. */
export type Projection = Node & {
  readonly kind: 'projection'
  readonly path: Path
  readonly alias: string | undefined
}

export type AggregateName = 'count' | 'avg' | 'sum' | 'min' | 'max'

/** One value over many rows. Only `count` may have no path: it then counts the rows. */
export type Aggregate = Node & {
  readonly kind: 'aggregate'
  readonly name: AggregateName
  readonly path: Path | undefined
  readonly alias: string | undefined
}

export type SelectItem = Projection | Aggregate

/** A whole SELECT. `items` is undefined for `*`; `top` is the maximum number of rows over all pages. */
export type Statement = {
  readonly top: number | undefined
  readonly items: readonly SelectItem[] | undefined
  readonly collection: CollectionName
  readonly condition: Condition
  readonly groupBy: Path | undefined
}

/** The expressions directly below one. */
export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'literal':
    case 'path':
      return []
    case 'comparison':
    case 'arithmetic':
      return [expression.left, expression.right]
    case 'and':
    case 'or':
      return expression.operands
    case 'membership':
    case 'not':
    case 'negation':
    case 'typeTest':
      return [expression.operand]
    case 'textTest':
      return [expression.text, expression.part]
  }
}
