import { empty, type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { inScope } from '../../database/in-scope.ts'
import { isEverything, type Scope } from '../../scope.ts'
import { target } from './facts.ts'

/**
 * Whether `job` was scheduled under the scope, or under a part of it. The rule of `isOwnJob` (job/own-job.ts) in SQL.
 */
export const ownJob = (scope: Scope): Sql =>
  isEverything(scope) ? sql`true` : sql`(job.scope is not null and job.scope <@ ${scope.parts}::text[])`

/**
 * What narrows the device jobs of `job` to those that a viewer sees: all of an own job, and of a foreign one those of
 * devices in the scope. No condition for the scope of all devices. `row` has the id of the device.
 */
export const visible = (scope: Scope, row: Sql = target): readonly Sql[] =>
  isEverything(scope) ? [] : [sql`(${ownJob(scope)} or (true${inScope(scope, sql`${row}.device_id`)}))`]

/** The same as a further condition, beginning with `and`. */
export function andVisible(scope: Scope, row: Sql = target): Sql {
  const [condition] = visible(scope, row)
  return condition === undefined ? empty : sql` and ${condition}`
}
