import type { Fragment } from '../sql-fragment.ts'
import { compileCondition } from './compiler.ts'
import { deviceFields } from './fields.ts'
import { parseCondition } from './parser.ts'

/**
 * A condition on devices as a client wrote it, as an SQL Boolean expression over `d` (device) and `t` (twin).
 * @throws QueryConditionError
 */
export const compileDeviceCondition = (text: string): Fragment => compileCondition(parseCondition(text), deviceFields)
