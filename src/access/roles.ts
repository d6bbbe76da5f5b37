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

/** What the roles of a token amount to. */
export type ResolvedRoles = {
  /** The roles of the token that the hub knows. */
  readonly names: readonly string[]
  readonly rights: ReadonlySet<Right>
  readonly scope: Scope
  /** The reason, as a sentence for people, why there are no rights: the hub knows none of the roles. */
  readonly lack?: string
}
