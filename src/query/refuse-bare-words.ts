import type { Condition, Expression } from './ast.ts'
import { type FieldMap, resolve } from './resolve-path.ts'
import { fail } from './token-reader.ts'

/**
 * Refuses a bare word where a Boolean is needed, a typical mistake of users who mean a device: `off1`, `NOT off1`,
 * `off1 OR off2`. A text is not a Boolean, and neither is a name that no row has. A name that rows do have may be null,
 * whose negation is true; alone it is never true.
 * @throws QueryConditionError at the position of the word.
 */
export function refuseBareWords(condition: Condition, fields: FieldMap): void {
  if (condition.kind === 'all') return
  const { expression } = condition
  const alone = wordIn(expression)
  if (alone !== undefined) failAlone(alone, expression)
  visit(expression, fields)
}

function visit(expression: Expression, fields: FieldMap): void {
  if (expression.kind === 'and' || expression.kind === 'or') {
    for (const operand of expression.operands) visit(operand, fields)
  } else if (expression.kind === 'not') visit(expression.operand, fields)
  else {
    const word = wordIn(expression)
    const isName = expression.kind === 'path' && resolve(fields, expression.segments).kind !== 'undefined'
    if (word !== undefined && !isName) failAlone(word, expression)
  }
}

/** The text, or the only segment of the path, if that is the whole expression. */
function wordIn(expression: Expression): string | undefined {
  if (expression.kind === 'literal') return typeof expression.value === 'string' ? expression.value : undefined
  return expression.kind === 'path' && expression.segments.length === 1 ? expression.segments[0] : undefined
}

function failAlone(word: string, { position }: Expression): never {
  const text = word.slice(0, 128).replace(/[\\']/g, '\\$&')
  return fail(
    `'${text}' is neither true nor false; to select the device with this id, write deviceId = '${text}'`,
    position,
  )
}
