import { type Condition, childrenOf, type Expression } from './ast.ts'
import { type FieldMap, shownPath } from './resolve-path.ts'

/** What AND combines in an expression: the expression itself, when it is no conjunction. */
export const conjunctsOf = (expression: Expression): readonly Expression[] =>
  expression.kind === 'and' ? expression.operands.flatMap(conjunctsOf) : [expression]

const pathsOf = (expression: Expression): readonly (readonly string[])[] =>
  expression.kind === 'path' ? [expression.segments] : childrenOf(expression).flatMap(pathsOf)

/** The condition that all of them are true. */
export function allOf(operands: readonly Expression[]): Condition {
  const [first] = operands
  if (first === undefined) return { kind: 'all' }
  return { kind: 'where', expression: { kind: 'and', operands, position: first.position } }
}

/**
 * Splits a condition into two: a row meets it exactly when it meets both, and the first one uses `names` only (root
 * names in lower case). So the first can be evaluated early, on the rows that have these names, and by their indexes.
 */
export function splitCondition(
  condition: Condition,
  fields: FieldMap,
  names: ReadonlySet<string>,
): readonly [Condition, Condition] {
  if (condition.kind === 'all') return [condition, condition]
  const isEarly = (conjunct: Expression): boolean =>
    pathsOf(conjunct).every((path) => names.has(shownPath(fields, path)[0]?.toLowerCase() ?? ''))
  const conjuncts = conjunctsOf(condition.expression)
  return [allOf(conjuncts.filter(isEarly)), allOf(conjuncts.filter((conjunct) => !isEarly(conjunct)))]
}
