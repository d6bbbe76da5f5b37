import type { Actor, ActorKind } from '../actor.ts'
import { covers, everything, type Scope } from '../scope.ts'
import type { Policy } from './policy.ts'
import { type Right, rightsOfPolicy } from './rights.ts'
import type { ResolvedRoles } from './roles.ts'
import { expiryToleranceInSeconds } from './sas.ts'

/** An authenticated client: who it is and what it may do. */
export type Viewer = Actor & {
  readonly kind: Exclude<ActorKind, 'hub'>
  /** The roles of a person that the hub knows. Empty for a policy. */
  readonly roles: readonly string[]
  readonly rights: ReadonlySet<Right>
  /** The devices that the client may see. */
  readonly scope: Scope
  /**
   * Equal for viewers that get the same answers, apart from those about themselves: the same rights and scope, and the
   * same words for them in errors.
   */
  readonly authority: string
  /** When the credential expires, in seconds since 1970 UTC. Its open subscriptions then end, too. Undefined: never. */
  readonly expiry?: number
  /** Seconds after `expiry` in which the credential is still accepted. */
  readonly tolerance: number
  /** The reason, as a sentence for people, why the viewer has no rights at all. */
  readonly lack?: string
}

/** A person as the token names it. */
export type Person = { readonly issuer: string; readonly subject: string; readonly name: string }

/** Seconds after their expiry in which tokens of persons are accepted: clocks of issuer and hub may differ. */
export const personToleranceInSeconds = 60

/** The end of the year 9999: later times cannot be shown. */
const latestExpiry = 253_402_300_799

/** Viewers of policies without expiry, by kind, name and rights: as many as there are policies. Every request needs one. */
const policyViewers = new Map<string, Viewer>()

/** The viewer of a policy, or of any client of this machine, which has the rights of one. */
export function policyViewer(
  { name, rights: granted }: Pick<Policy, 'name' | 'rights'>,
  expiry?: number,
  kind: 'policy' | 'anonymous' = 'policy',
): Viewer {
  const id = `${kind}:${name}`
  const key = `${id} ${[...granted].join(' ')}`
  const viewer =
    policyViewers.get(key) ??
    completed({
      kind,
      id,
      name,
      issuer: null,
      subject: name,
      roles: [],
      rights: rightsOfPolicy(granted),
      scope: everything,
      tolerance: expiryToleranceInSeconds,
    })
  policyViewers.set(key, viewer)
  return expiry === undefined ? viewer : { ...viewer, expiry: Math.min(expiry, latestExpiry) }
}

/** The viewer of a person with these roles, until `expiry`. */
export function personViewer({ issuer, subject, name }: Person, roles: ResolvedRoles, expiry: number): Viewer {
  return completed({
    kind: 'person',
    id: `${issuer}|${subject}`,
    name,
    issuer,
    subject,
    roles: roles.names,
    rights: roles.rights,
    scope: roles.scope,
    tolerance: personToleranceInSeconds,
    expiry: Math.min(expiry, latestExpiry),
    ...(roles.lack !== undefined && { lack: roles.lack }),
  })
}

function completed(viewer: Omit<Viewer, 'authority'>): Viewer {
  const { scope, rights, lack = null } = viewer
  return { ...viewer, authority: JSON.stringify([grantor(viewer), [...rights].sort(), scope, lack]) }
}

/** The grantor of the rights, as the subject of a sentence and its verb: `The policy "device" does`. */
export function grantor({ kind, name, roles }: Pick<Viewer, 'kind' | 'name' | 'roles'>): string {
  if (kind !== 'person') return `The policy "${name}" does`
  return `Your roles (${roles.join(', ')}) do`
}

/** Whether `now` may do everything that `before` may do. */
export const coversAuthority = (now: Viewer, before: Viewer): boolean =>
  [...before.rights].every((right) => now.rights.has(right)) && covers(now.scope, before.scope)
