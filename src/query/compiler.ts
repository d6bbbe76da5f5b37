import type { Fragment } from '../sql-fragment.ts'
import type { Comparison, Condition, Expression, Membership } from './ast.ts'
import { chooseValues } from './choose-values.ts'
import { comparison, isMember, textTest, truth, typeTest, unknown } from './compile-predicates.ts'
import { fold } from './constant-folding.ts'
import { contains, jsonOf, nullOf, targetOf } from './operands.ts'
import type { FieldMap } from './resolve-path.ts'
import { join, sql } from './sql-builder.ts'

// `truth` alone would be enough without indexes, but PostgreSQL uses an index only for a plain `column operator value`
// below AND and OR. So there are two questions whose answers are never NULL: is it true, and is it false. They pass
// NOT, AND and OR down to the leaves, answer leaves in a plain form where there is one, and use `truth` for the others.

const always = sql`true`
const never = sql`false`

const opposite = { '=': '!=', '!=': '=', '<': '>=', '<=': '>', '>': '<=', '>=': '<' } as const

/** Up to this many elements, an IN list over a document becomes index look-ups; for a longer one the value is read. */
const maxLookups = 16

/**
 * A condition as an SQL Boolean expression over the expressions in `fields`: true exactly for the rows that the
 * condition selects, otherwise false, never NULL and never an error. All user input is in `values`; `strings`, the text
 * between them, comes from this program only.
 */
export const compileCondition = (condition: Condition, fields: FieldMap): Fragment =>
  condition.kind === 'all' ? always : isTrue(fold(condition.expression, fields), fields)

function isTrue(expression: Expression, fields: FieldMap): Fragment {
  switch (expression.kind) {
    case 'literal':
      return expression.value === true ? always : never
    case 'path': {
      const target = targetOf(expression, fields)
      if (target.kind === 'json') return contains(target.document, target.segments, true)
      return target.kind === 'boolean' ? target.sql : never
    }
    case 'and':
      return every(expression.operands.map((operand) => isTrue(operand, fields)))
    case 'or':
      return some(expression.operands.map((operand) => isTrue(operand, fields)))
    case 'not':
      return isFalse(expression.operand, fields)
    case 'comparison':
      return isTrueComparison(expression, fields)
    case 'membership':
      return isTrueMembership(expression, fields)
    case 'typeTest':
      return typeTest(expression, fields)
    case 'textTest':
      return (
        chooseValues(expression, true, fields) ??
        settled(textTest(expression, fields), [expression.text, expression.part], fields)
      )
    case 'arithmetic':
    case 'negation':
      return never
  }
}

function isFalse(expression: Expression, fields: FieldMap): Fragment {
  switch (expression.kind) {
    // As an operand of NOT, AND and OR, null acts like false.
    case 'literal':
      return expression.value === false || expression.value === null ? always : never
    case 'path': {
      const target = targetOf(expression, fields)
      if (target.kind === 'boolean') return sql`not ${target.sql}`
      if (target.kind !== 'json') return nullOf(expression, fields) ?? never
      return some([false, null].map((value) => contains(target.document, target.segments, value)))
    }
    case 'and':
      return some(expression.operands.map((operand) => isFalse(operand, fields)))
    case 'or':
      return every(expression.operands.map((operand) => isFalse(operand, fields)))
    case 'not':
      return isTrue(expression.operand, fields)
    // A comparison is false where its opposite is true: both are undefined for the same operands.
    case 'comparison':
      return isTrueComparison({ ...expression, operator: opposite[expression.operator] }, fields)
    case 'membership':
      return isTrueMembership({ ...expression, negated: !expression.negated }, fields)
    case 'typeTest':
      return sql`not (${typeTest(expression, fields)})`
    case 'textTest':
      return chooseValues(expression, false, fields) ?? sql`(${textTest(expression, fields)}) is false`
    case 'arithmetic':
    case 'negation':
      return never
  }
}

const every = (questions: readonly Fragment[]): Fragment => sql`(${join(questions, ' and ')})`

const some = (questions: readonly Fragment[]): Fragment => sql`(${join(questions, ' or ')})`

function isTrueComparison(expression: Comparison, fields: FieldMap): Fragment {
  const { operator, left, right } = expression
  if (operator === '=' && left.kind === 'path' && right.kind === 'literal') {
    const target = targetOf(left, fields)
    if (target.kind === 'json') return contains(target.document, target.segments, right.value)
  }
  const chosen = chooseValues(expression, true, fields)
  if (chosen !== undefined) return chosen
  return settled(comparison(expression, fields), [left, right], fields)
}

function isTrueMembership(expression: Membership, fields: FieldMap): Fragment {
  const { operand, elements, negated } = expression
  if (operand.kind !== 'path') return sql`(${truth(expression, fields)}) is true`
  const chosen = chooseValues(expression, true, fields)
  if (chosen !== undefined) return chosen
  const target = targetOf(operand, fields)
  const isLookup = target.kind === 'json' && elements.length <= maxLookups
  const member = isLookup
    ? some(elements.map((element) => contains(target.document, target.segments, element)))
    : isMember(expression, fields)
  if (!negated) return member
  const outside = sql`not (${member})`
  const json = jsonOf(operand, fields)
  return json === undefined ? outside : every([sql`${json} is not null`, outside])
}

/** Turns a three-valued expression into whether it is true; unchanged where its operands cannot make it NULL. */
function settled(answer: Fragment, operands: readonly Expression[], fields: FieldMap): Fragment {
  if (answer === unknown) return never
  return operands.every((operand) => isSure(operand, fields)) ? answer : sql`(${answer}) is true`
}

/** Whether the value exists in every row, so that a plain operator on it cannot give NULL. */
function isSure(expression: Expression, fields: FieldMap): boolean {
  if (expression.kind === 'literal') return true
  if (expression.kind !== 'path') return false
  const target = targetOf(expression, fields)
  return target.kind === 'number' || target.kind === 'boolean' || (target.kind === 'text' && !target.nullable)
}
