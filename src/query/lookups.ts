import type { Condition, Expression } from './ast.ts'
import { deviceFields } from './fields.ts'
import { shownPath } from './resolve-path.ts'
import { allOf, conjunctsOf } from './split-condition.ts'

/** Maximum number of look-ups of a condition: each is evaluated on devices for which the rest of it is not. */
const maxLookups = 4

/** Maximum number of values of each of them. */
const maxValues = 16

/** The look-ups that a condition on devices contains: those of its conjuncts that an index can answer. */
export function lookupsIn(condition: Condition): Condition {
  if (condition.kind === 'all') return condition
  return allOf(conjunctsOf(condition.expression).filter(isLookup).slice(0, maxLookups))
}

function isLookup(expression: Expression): boolean {
  switch (expression.kind) {
    case 'path':
      return isIndexed(expression)
    case 'comparison':
      return expression.operator === '=' && isIndexed(expression.left) && expression.right.kind === 'literal'
    case 'membership':
      return !expression.negated && isIndexed(expression.operand) && expression.elements.length <= maxValues
    default:
      return false
  }
}

/** Whether it is the id of the device, or a member of a document that has an index. */
function isIndexed(expression: Expression): boolean {
  if (expression.kind !== 'path') return false
  const [root, section, member] = shownPath(deviceFields, expression.segments)
  if (root === 'tags') return section !== undefined
  return root === 'deviceId' || (root === 'properties' && member !== undefined && !member.startsWith('$'))
}
