import { randomBytes } from 'node:crypto'
import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { UnauthorizedError } from '../errors.ts'
import { defaultPolicies, type Policy } from './policy.ts'
import { expired, parseSasToken, type SasToken, tokenFault } from './sas.ts'
import {
  findOwnerKeyGiven,
  findPolicies,
  findPolicy,
  insertPolicy,
  lockPolicies,
  replacePolicies,
  saveOwnerKeyGiven,
  savePrimaryKey,
} from './store.ts'
import { policyViewer, type Viewer } from './viewer.ts'

/** A new key of a policy, as base64. */
export const makeKey = (): string => randomBytes(32).toString('base64')

/**
 * Determines the policies of the hub and returns them: those `given` (from policies.json) and no others; or, without
 * it, those of the database, which are created for a new hub. `iothubowner` gets the primary key `ownerKey`; without it,
 * it keeps the one it has. Other instances use the same policies, so they must be notified.
 */
export function settlePolicies(
  deps: Pick<Deps, 'db'>,
  ownerKey: string | undefined,
  given: readonly Policy[] | undefined,
): Promise<Policy[]> {
  return inTransaction(deps, async (tx) => {
    await lockPolicies(tx)
    const key = ownerKey ?? (await findPolicy(tx, 'iothubowner'))?.primaryKey
    if (given === undefined) {
      for (const { name, rights } of defaultPolicies) {
        await insertPolicy(tx, { name, rights, primaryKey: makeKey(), secondaryKey: makeKey() })
      }
    } else await replacePolicies(tx, given)
    if (key !== undefined) await savePrimaryKey(tx, 'iothubowner', key)
    return findPolicies(tx)
  })
}

/**
 * Whether the owner's key was ever configured, by this start (`isGivenNow`) or an earlier one, on this instance or
 * another of the hub. From then on every request needs a token.
 */
export async function wasOwnerKeyGiven(deps: Pick<Deps, 'db'>, isGivenNow: boolean): Promise<boolean> {
  if (isGivenNow) await inTransaction(deps, saveOwnerKeyGiven)
  return isGivenNow || (await findOwnerKeyGiven(deps.db))
}

/**
 * The policies of the living instances, which a joining instance has to share, with the owner's primary key separately
 * as `ownerKey`.
 */
export async function readPolicies({ db }: Pick<Deps, 'db'>): Promise<{ policies: Policy[]; ownerKey: string }> {
  const policies = await findPolicies(db)
  const owner = policies.find(({ name }) => name === 'iothubowner')
  if (owner === undefined) throw new Error('The database has no policy "iothubowner".')
  return { policies, ownerKey: owner.primaryKey }
}

/**
 * The policy whose key signed this token, if the token is valid now and covers the resource `segments` below one of the
 * hub's names; otherwise the fault, for the log.
 */
export async function verifyPolicyToken(
  deps: Pick<Deps, 'db' | 'clock'>,
  token: SasToken,
  segments: readonly string[],
  hostNames: readonly string[],
): Promise<{ readonly policy: Policy } | { readonly fault: string }> {
  const policy = token.policyName === undefined ? undefined : await findPolicy(deps.db, token.policyName)
  const fault = tokenFault(token, {
    keysBase64: policy === undefined ? [] : [policy.primaryKey, policy.secondaryKey],
    segments,
    acceptedHosts: hostNames,
    nowSeconds: deps.clock.now().getTime() / 1000,
  })
  if (policy === undefined) return { fault: 'the token names an unknown policy' }
  return fault === undefined ? { policy } : { fault }
}

/**
 * Authenticates the shared access signature of a policy (the text of an `Authorization` header). The token must cover
 * the hub, or the requested path `segments` below it. UnauthorizedError, whose message gives no details: a client must
 * not learn whether the policy, the key or the resource was wrong. That a token has expired learns only a client whose
 * token was good before.
 */
export async function authenticateViewer(
  deps: Pick<Deps, 'db' | 'clock'>,
  authorization: string,
  hostNames: readonly string[],
  segments: readonly string[] = [],
): Promise<Viewer> {
  const token = parseSasToken(authorization)
  const verified =
    token === undefined
      ? { fault: authorization === '' ? 'no token was sent' : 'the token is malformed' }
      : await verifyPolicyToken(deps, token, segments, hostNames)
  if (token === undefined || 'fault' in verified) {
    const fault = 'fault' in verified ? verified.fault : undefined
    if (fault === expired) {
      throw new UnauthorizedError('The token has expired. Send another one.', fault, { code: 'TOKEN_EXPIRED' })
    }
    throw new UnauthorizedError(
      'The request has no valid token. Send "Authorization: SharedAccessSignature sr=…&sig=…&se=…&skn=…", signed with a key of a shared access policy of this hub and not expired.',
      fault,
      { code: authorization === '' ? 'UNAUTHORIZED' : 'TOKEN_INVALID' },
    )
  }
  return policyViewer(verified.policy, token.expiry)
}
