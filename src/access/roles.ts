import { scopeOf } from '../query/scope.ts'
import type { Scope } from '../scope.ts'
import { type Right, rights } from './rights.ts'

const readRights: readonly Right[] = ['readDevices', 'readTwins', 'readJobs']

/** The roles that every hub has, each with its rights. */
export const builtInRoles: ReadonlyMap<string, readonly Right[]> = new Map([
  ['viewer', readRights],
  ['operator', [...readRights, 'writeTwins', 'invokeMethods', 'writeJobs']],
  ['approver', [...readRights, 'approveJobs']],
  ['admin', rights.filter((right) => right !== 'connectDevices')],
])

/** What a role grants. */
export type Role = {
  readonly rights: ReadonlySet<Right>
  /** The condition that devices must meet; `*` for all devices. */
  readonly condition: string
}

/** The roles of a hub by their names. */
export type RoleTable = ReadonlyMap<string, Role>

/** The roles of a hub without a file of roles. */
export const builtInTable: RoleTable = new Map(
  [...builtInRoles].map(([name, granted]) => [name, { rights: new Set(granted), condition: '*' }]),
)

/** What the roles of a token amount to. */
export type ResolvedRoles = {
  /** The roles of the token that the hub knows. */
  readonly names: readonly string[]
  readonly rights: ReadonlySet<Right>
  readonly scope: Scope
  /** The reason, as a sentence for people, why there are no rights: the hub knows none of the roles. */
  readonly lack?: string
}

/**
 * What the roles of these names grant together: all their rights, on all their devices. Unknown names grant nothing.
 * `rolesPath` is where the names were in the token.
 */
export function resolveRoles(table: RoleTable, names: readonly string[], rolesPath: string): ResolvedRoles {
  const known = names.filter((name) => table.has(name))
  const roles = known.flatMap((name) => table.get(name) ?? [])
  return {
    names: known,
    rights: new Set(rights.filter((right) => roles.some((role) => role.rights.has(right)))),
    scope: scopeOf(roles.map(({ condition }) => condition)),
    ...(roles.length === 0 && { lack: lackOf(names, rolesPath) }),
  }
}

function lackOf(names: readonly string[], rolesPath: string): string {
  const place = `at "${rolesPath}" (OIDC_ROLES_PATH)`
  return names.length === 0
    ? `Your token has no roles ${place}.`
    : `Your token has no role that this hub knows ${place}. Roles are ${[...builtInRoles.keys()].join(', ')} and those in ROLES_FILE.`
}
