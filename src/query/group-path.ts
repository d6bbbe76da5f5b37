import type { Fragment } from '../sql-fragment.ts'
import { expressionParser } from './expression.ts'
import { deviceFields } from './fields.ts'
import { valueAt } from './operands.ts'
import { readTokens } from './token-reader.ts'

/**
 * The value of a device at a path as conditions have them, `tags.site`, as a jsonb expression over `d` (device) and `t` (twin);
 * SQL NULL where it is missing. Undefined when no device can have a value there.
 * @throws QueryConditionError with line and column when the text is not one path.
 */
export function compileGroupPath(text: string): Fragment | undefined {
  const reader = readTokens(text, 'path')
  const path = expressionParser(reader, {}).parsePath()
  reader.expectEnd()
  return valueAt(path, deviceFields)
}
