import type { Clock } from '../clock.ts'
import { isIssuerAddress } from '../issuer-address.ts'
import type { Log } from '../log/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Verified } from './oidc/bearer-commands.ts'
import type { KeySet } from './oidc/key-set-commands.ts'
import type { Roles } from './role-commands.ts'
import { type RoleTable, resolveRoles } from './roles.ts'
import { personViewer, type Viewer } from './viewer.ts'

/** The settings for tokens of persons. */
export type PeopleOptions = {
  readonly issuers: readonly string[]
  readonly audiences: readonly string[]
  /** The file with the keys of issuers that are not addresses; when all are addresses, of all of them. */
  readonly keysPath: string | undefined
  /** The place of the roles in a token. */
  readonly rolesPath: string
  readonly roles: Roles
  readonly metrics?: Metrics | undefined
}

/** Finds out who sends the token of a person. */
export type People = {
  /** @throws BearerError, IssuerUnavailableError */
  viewer(token: string): Promise<Viewer>
  /** The same person with the roles that are in force now. */
  refresh(viewer: Viewer): Viewer
  /** Calls `changed` when other roles are in force. Returns what ends that. */
  listen(changed: () => void): () => void
  close(): void
}

/** Opens the key sets of the issuers. Their libraries are loaded here, because hubs without an issuer do without. */
export async function openPeople(
  ground: { readonly clock: Clock; readonly log: Log },
  { issuers, audiences, keysPath, rolesPath, roles, metrics }: PeopleOptions,
): Promise<People> {
  const { createRemoteKeySet, openKeyFile } = await import('./oidc/key-set-commands.ts')
  const { createVerifyBearer } = await import('./oidc/bearer-commands.ts')
  const file = keysPath === undefined ? undefined : await openKeyFile(ground, keysPath)
  const allAreAddresses = issuers.every(isIssuerAddress)
  const keySets = new Map<string, KeySet>()
  for (const issuer of issuers) {
    const keySet =
      file !== undefined && (allAreAddresses || !isIssuerAddress(issuer)) ? file : createRemoteKeySet(ground, issuer)
    keySets.set(issuer, keySet)
    // Fetched now, so that the log names an issuer that is not reachable before somebody signs in.
    keySet.keys().catch(() => {})
  }
  metrics?.read('twincast_jwks_age_seconds', () =>
    [...keySets].map(([issuer, keySet]) => ({ labels: { issuer }, value: keySet.age() ?? Number.NaN })),
  )
  const verify = createVerifyBearer(ground, { issuers: keySets, audiences, rolesPath })
  /** The viewers of remembered tokens, each with the roles that it was made with. */
  const viewers = new WeakMap<Verified, { readonly table: RoleTable; readonly viewer: Viewer }>()
  const origins = new WeakMap<Viewer, Verified>()
  const viewerOf = (verified: Verified): Viewer => {
    const table = roles.table()
    const known = viewers.get(verified)
    if (known?.table === table) return known.viewer
    const viewer = personViewer(verified, resolveRoles(table, verified.roles, rolesPath), verified.expiry)
    viewers.set(verified, { table, viewer })
    origins.set(viewer, verified)
    return viewer
  }
  return {
    viewer: async (token) => viewerOf(await verify(token)),
    refresh(viewer) {
      const verified = origins.get(viewer)
      return verified === undefined ? viewer : viewerOf(verified)
    },
    listen: roles.listen,
    close() {
      for (const keySet of keySets.values()) keySet.close()
    },
  }
}
