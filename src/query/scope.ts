import { InvalidInputError } from '../errors.ts'
import { everything, makeScope, type Scope } from '../scope.ts'
import { bareCondition } from './bare-condition.ts'
import { compileDeviceCondition } from './device-condition.ts'
import { join, sql } from './sql-builder.ts'

/**
 * The scope of the devices that meet at least one of the conditions: all devices if one of the conditions is `*`, and
 * no device if there are no conditions.
 * @throws QueryConditionError for the first condition that does not parse.
 */
export function scopeOf(conditions: readonly string[]): Scope {
  const bare = conditions.map(bareCondition)
  const parts = [...new Set(bare.filter((part) => part !== undefined))].sort()
  const compiled = parts.map((part) => sql`(${compileDeviceCondition(part)})`)
  if (bare.includes(undefined)) return everything
  return makeScope(parts, compiled.length === 0 ? sql`false` : join(compiled, ' or '))
}

/** The scope that a job keeps. Null: every device. @throws QueryConditionError when a part no longer parses. */
export const scopeOfJob = (parts: readonly string[] | null): Scope => (parts === null ? everything : scopeOf(parts))

/** The scope as one condition, for people; null for all devices. */
export function printScope({ parts }: Scope): string | null {
  if (parts === null) return null
  if (parts.length === 0) return 'false'
  const [first, ...others] = parts
  return others.length === 0 && first !== undefined ? first : parts.map((part) => `(${part})`).join(' OR ')
}

/**
 * The refusal of a change after which its device would be outside the scope. `path` is the argument that leads there.
 */
export const outsideScope = (scope: Scope, path: readonly string[]): InvalidInputError =>
  new InvalidInputError(path, `The device would be outside your scope: ${printScope(scope)}.`)
