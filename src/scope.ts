import type { Fragment } from './sql-fragment.ts'

/** The key of the scope of all devices. Other keys begin with a bracket. */
const keyOfAll = '*'

/**
 * The devices that a viewer may see. A private member makes the type nominal: no literal is a scope, so a read cannot
 * be given one that nobody has checked.
 */
class DeviceScope<Parts extends readonly string[] | null> {
  /** Condition texts, sorted, without duplicates. A device is inside if it meets one of them. Null: every device. */
  readonly parts: Parts
  /** Equal scopes have equal keys. */
  readonly key: string
  readonly #condition: Fragment | null

  constructor(parts: Parts, condition: Fragment | null) {
    this.parts = parts
    this.key = parts === null ? keyOfAll : JSON.stringify(parts)
    this.#condition = condition
  }

  /** The disjunction of the parts over `d` (device) and `t` (twin), without parentheses. Null: every device. */
  get condition(): Fragment | null {
    return this.#condition
  }

  /** The key, so that caches whose keys are JSON distinguish scopes. */
  toJSON(): string {
    return this.key
  }
}

/** The devices that a viewer may see: those that meet a condition, or all of them. */
export type Scope = DeviceScope<readonly string[] | null>

/** The scope of all devices. */
export type Everything = DeviceScope<null>

/** The scope of all devices. Statements for it have the same text as without a scope. */
export const everything: Everything = new DeviceScope(null, null)

/** Whether the scope has all devices. */
export const isEverything = (scope: Scope): scope is Everything => scope.parts === null

/** Whether `outer` has all the parts of `inner`, and so all its devices. */
export function covers(outer: Scope, inner: Scope): boolean {
  if (outer.parts === null) return true
  const parts = new Set(outer.parts)
  return inner.parts?.every((part) => parts.has(part)) ?? false
}

/** The scope of these parts, which are sorted and without duplicates. Only `query/scope.ts`, which compiles them, calls this. */
export const makeScope = (parts: readonly string[], condition: Fragment): Scope => new DeviceScope(parts, condition)
