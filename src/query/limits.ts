import { QueryConditionError } from '../errors.ts'
import { childrenOf, type Expression } from './ast.ts'

/** Maximum nesting of parentheses, operators and calls; a chain such as `a + b + c` nests to the left. */
export const maxNesting = 32

/**
 * Maximum number of operators, calls, paths and constants in a condition. Elements of IN lists have their own limit.
 */
export const maxNodes = 2048

/** Maximum number of elements of one IN or NIN list. */
export const maxElements = 1000

/** Maximum number of segments of one path; no document is that deep. */
export const maxSegments = 32

/** Maximum number of results in one SELECT list. */
export const maxItems = 256

export const nestingMessage = `nested too deeply; at most ${maxNesting} levels are allowed`

/**
 * Refuses a tree that is too deep or too big, so that everything after the parser may recurse and the SQL stays within
 * PostgreSQL's own stack and parameter limits.
 * @throws QueryConditionError at the first node over a limit.
 */
export function checkLimits(root: Expression): void {
  let nodes = 0
  const visit = (expression: Expression, depth: number): void => {
    const { line, column } = expression.position
    if (depth > maxNesting) throw new QueryConditionError(nestingMessage, line, column)
    if (++nodes > maxNodes)
      throw new QueryConditionError(`too many terms; at most ${maxNodes} are allowed`, line, column)
    for (const child of childrenOf(expression)) visit(child, depth + 1)
  }
  visit(root, 0)
}
