import { empty, join, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { isEverything, type Scope } from '../scope.ts'
import type { DeviceCondition } from '../sql-fragment.ts'
import { boundedFragment } from './bounded-fragment.ts'
import type { BoundedReader } from './bounded-read.ts'
import { meetsScope } from './in-scope.ts'

/**
 * Whether the device `d` with the twin `t` is in the scope and meets a client's condition. Outside the scope, only the
 * look-ups of the condition are evaluated, and only CASE promises that: PostgreSQL evaluates what AND combines in any
 * order, so that the time of a condition, chosen to be slow, would say what devices outside the scope are like. Of
 * several scopes, the device is in all.
 */
export function meetsCondition(
  db: BoundedReader,
  scope: Scope,
  condition: DeviceCondition,
  ...others: readonly Scope[]
): Sql {
  const whole = sql`(${boundedFragment(db, condition)})`
  const scopes = [scope, ...others]
  if (scopes.every(isEverything)) return whole
  const { lookups } = condition
  const isIn = sql`true${join(scopes.map(meetsScope), '')}`
  const lookedUp = lookups === undefined ? empty : sql` and (${boundedFragment(db, lookups)})`
  return sql`${isIn}${lookedUp} and case when ${isIn} then ${whole} else false end`
}

/** ` from … where …`: the devices in the scope that meet a condition, as `d` with their twins as `t`. */
export const devicesWhere = (db: BoundedReader, scope: Scope, condition: DeviceCondition): Sql =>
  sql`from device d join twin t on t.device_id = d.id where ${meetsCondition(db, scope, condition)}`
