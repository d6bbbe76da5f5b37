import type { Comparison, Expression, Membership, TextTest } from './ast.ts'
import { fold } from './constant-folding.ts'
import { targetOf } from './operands.ts'
import type { Choice, FieldMap } from './resolve-path.ts'
import { bindText, bindTexts, sql } from './sql-builder.ts'

type Leaf = Comparison | Membership | TextTest

/** The leaf with another expression instead of its path, if it relates one path to constants only. */
function withoutPath(leaf: Leaf): { path: Expression; replace(by: Expression): Expression } | undefined {
  switch (leaf.kind) {
    case 'comparison':
      return leaf.right.kind === 'literal' ? { path: leaf.left, replace: (left) => ({ ...leaf, left }) } : undefined
    case 'membership':
      return { path: leaf.operand, replace: (operand) => ({ ...leaf, operand }) }
    case 'textTest':
      return leaf.part.kind === 'literal' ? { path: leaf.text, replace: (text) => ({ ...leaf, text }) } : undefined
  }
}

function choiceAt(expression: Expression, fields: FieldMap): Choice | undefined {
  const target = expression.kind === 'path' ? targetOf(expression, fields) : undefined
  return target?.kind === 'text' ? target.choice : undefined
}

/**
 * The rows for which a comparison of a column that has few values is `answer`, as a look-up of these values: an index
 * can answer it, and its statistics say how many rows have them. Undefined for any other comparison.
 */
export function chooseValues(leaf: Leaf, answer: boolean, fields: FieldMap) {
  const parts = withoutPath(leaf)
  const choice = parts && choiceAt(parts.path, fields)
  if (parts === undefined || choice === undefined) return undefined
  const chosen = [...choice.values].flatMap(([value, stored]) => {
    const settled = fold(parts.replace({ kind: 'literal', value, position: leaf.position }), fields)
    return settled.kind === 'literal' && settled.value === answer ? [stored] : []
  })
  const [only, ...others] = chosen
  if (only === undefined) return sql`false`
  if (chosen.length === choice.values.size) return sql`true`
  return others.length === 0
    ? sql`${choice.column} = ${bindText(only)}`
    : sql`${choice.column} = any(${bindTexts(chosen)})`
}
