import type { Actor } from '../actor.ts'
import type { Db } from '../database/client.ts'
import { type RoleTable, resolveRoles } from './roles.ts'
import { findPolicy } from './store.ts'
import { policyViewer, type Viewer } from './viewer.ts'

/** The rights and the devices that somebody has now. */
export type Authority = Pick<Viewer, 'rights' | 'scope'>

/**
 * Finds what somebody may do now, without a token: a policy, what it may do; a person, what the roles of its last token may do.
 * Only a new token would say which roles the person has now. Undefined for a policy that was deleted, and for persons when
 * no issuer is configured.
 */
export const findAuthority =
  (
    { db }: { readonly db: Pick<Db, 'reads'> },
    {
      roles: table,
      anonymous,
    }: {
      /** Undefined when no issuer is configured. */
      readonly roles: (() => RoleTable) | undefined
      /** The viewer of requests without a token, where they are accepted. */
      readonly anonymous: Viewer | undefined
    },
  ) =>
  async ({
    kind,
    name,
    roles,
  }: Pick<Actor, 'kind' | 'name'> & { readonly roles: readonly string[] }): Promise<Authority | undefined> => {
    if (kind === 'person') return table && resolveRoles(table(), roles, '')
    if (kind === 'anonymous') return anonymous
    const policy = kind === 'policy' ? await findPolicy(db.reads, name) : undefined
    return policy && policyViewer(policy)
  }
