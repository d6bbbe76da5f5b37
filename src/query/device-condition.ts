import type { DeviceCondition } from '../sql-fragment.ts'
import type { Condition } from './ast.ts'
import { compileCondition } from './compiler.ts'
import { deviceFields } from './fields.ts'
import { lookupsIn } from './lookups.ts'
import { parseCondition } from './parser.ts'

/** A condition on devices as SQL Boolean expressions over `d` (device) and `t` (twin). */
export function deviceConditionOf(condition: Condition): DeviceCondition {
  const lookups = lookupsIn(condition)
  return {
    ...compileCondition(condition, deviceFields),
    ...(lookups.kind === 'where' && { lookups: compileCondition(lookups, deviceFields) }),
  }
}

/**
 * A condition on devices as a client wrote it, likewise.
 * @throws QueryConditionError
 */
export const compileDeviceCondition = (text: string): DeviceCondition => deviceConditionOf(parseCondition(text))
