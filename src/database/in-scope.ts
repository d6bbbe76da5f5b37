import { empty, Sql, sqltag as sql } from '@prisma/client/runtime/client'
import type { Scope } from '../scope.ts'

// The conditions of scopes are written by the operator of the hub, not by its clients, so they may be in statements
// without a time limit. For the scope of all devices, nothing is added: the statement keeps its text.

const twin = sql` join twin t on t.device_id = d.id`
const device = sql` join device d on d.id = t.device_id`

/** ` and (…)`, where `d` (device) and `t` (twin) are in the statement. */
export const meetsScope = ({ condition }: Scope): Sql =>
  condition === null ? empty : sql` and (${new Sql(condition.strings, condition.values)})`

/**
 * ` and exists (…)`: whether the device with the id that this expression has is in the scope. The expression is
 * evaluated where `d` and `t` have another meaning, so it must not use these names.
 */
export function inScope(scope: Scope, deviceId: Sql): Sql {
  if (deviceId.strings.some((text) => /(?<![\w."])[dt]\s*\./.test(text))) {
    throw new Error(`The device id "${deviceId.sql}" of a scope must not be named by d or t.`)
  }
  if (scope.condition === null) return empty
  return sql` and exists (select from device d${twin} where d.id = ${deviceId}${meetsScope(scope)})`
}

/** The join of `t` (twin) to `d` (device), if the scope needs it. */
export const twinForScope = ({ condition }: Scope): Sql => (condition === null ? empty : twin)

/** The join of `d` (device) to `t` (twin), if the scope needs it. */
export const deviceForScope = ({ condition }: Scope): Sql => (condition === null ? empty : device)

/** The name of a prepared statement. Undefined for a narrowed scope, whose text varies. */
export const preparedName = ({ condition }: Scope, name: string): string | undefined =>
  condition === null ? name : undefined
