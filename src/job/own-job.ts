import { OutOfScopeError } from '../errors.ts'
import { printScope } from '../query/scope.ts'
import type { Scope } from '../scope.ts'

/** A job, as far as it says who sees it whole. `scope` has the parts of the scope under which it was scheduled. */
type Scoped = { readonly id: string; readonly scope: readonly string[] | null }

/** Whether a job was scheduled under this scope, or under a part of it. For the scope of all devices, every job is. */
export function isOwnJob(viewers: Scope, { scope }: Pick<Scoped, 'scope'>): boolean {
  if (viewers.parts === null) return true
  const parts = new Set(viewers.parts)
  return scope?.every((part) => parts.has(part)) ?? false
}

/** Throws OutOfScopeError for a foreign job: a change of it would concern devices outside the scope. */
export function requireOwnJob(viewers: Scope, job: Scoped): void {
  if (isOwnJob(viewers, job)) return
  throw new OutOfScopeError(
    `Job "${job.id}" was not scheduled under your scope. You can neither change nor retry it.`,
    printScope(viewers),
  )
}
