import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose'
import type { Clock } from '../../clock.ts'
import { InvalidInputError } from '../../errors.ts'
import { personToleranceInSeconds } from '../viewer.ts'
import { algorithms } from './algorithms.ts'
import { BearerError } from './bearer-fault.ts'
import { type Identified, identify } from './claims.ts'
import type { KeySet, Keys } from './key-set-commands.ts'

/** A person whose token is good until `expiry`, in seconds since 1970 UTC, and the tolerance after it. */
export type Verified = Identified & { readonly expiry: number }

/**
 * Verifies the token of a person. The same object for the same token, as long as it is remembered.
 * @throws BearerError, IssuerUnavailableError
 */
export type VerifyBearer = (token: string) => Promise<Verified>

/** Characters of a token. */
export const maxTokenLength = 16 * 1024
/** Characters of all tokens that are remembered together. */
export const maxRememberedLength = 4 * 1024 * 1024

/** A token that was verified with these keys. */
type Remembered = { readonly verified: Verified; readonly issuer: KeySet; readonly keys: Keys }

/**
 * Verifies tokens by the keys of their issuers, which are found by the claim `iss`. A verified token is remembered by
 * its text until it expires or the keys of its issuer change, so that a repeated one costs no check of a signature.
 */
export function createVerifyBearer(
  { clock }: { readonly clock: Clock },
  options: {
    readonly issuers: ReadonlyMap<string, KeySet>
    readonly audiences: readonly string[]
    readonly rolesPath: string
    /** Called before each check of a signature, for tests. */
    readonly onCheck?: () => void
  },
): VerifyBearer {
  const { issuers, audiences, rolesPath, onCheck } = options
  const remembered = new Map<string, Remembered>()
  let length = 0
  const forget = (token: string): void => {
    if (remembered.delete(token)) length -= token.length
  }
  const remember = (token: string, entry: Remembered): void => {
    forget(token)
    remembered.set(token, entry)
    length += token.length
    for (const oldest of remembered.keys()) {
      if (length <= maxRememberedLength) break
      forget(oldest)
    }
  }
  const isExpired = (expiry: number): boolean => expiry + personToleranceInSeconds <= clock.now().getTime() / 1_000

  const check = async (token: string, keys: Keys, issuer: string): Promise<JWTPayload> => {
    onCheck?.()
    return await verifyByKeys(token, keys, {
      issuer,
      audience: [...audiences],
      algorithms: [...algorithms],
      clockTolerance: personToleranceInSeconds,
      currentDate: clock.now(),
      requiredClaims: ['exp', 'sub'],
    })
  }

  return async (token) => {
    const known = remembered.get(token)
    if (known !== undefined) {
      if (isExpired(known.verified.expiry)) {
        forget(token)
        throw new BearerError('expired')
      }
      if ((await known.issuer.keys()) === known.keys) return known.verified
      forget(token)
    }
    const { issuer, hasKeyId } = unverified(token)
    const keySet = issuers.get(issuer)
    // Before any work. How soon this is refused shows no more than the answer says.
    if (keySet === undefined) throw new BearerError('issuer', issuer)
    try {
      let keys = await keySet.keys()
      let claims: JWTPayload
      try {
        claims = await check(token, keys, issuer)
      } catch (error) {
        // The issuer may have a new key. Without a key id, a signature by one looks like a bad signature.
        if (!isUnknownKey(error) && (hasKeyId || !isBadSignature(error))) throw error
        const renewed = await keySet.renewed()
        if (renewed === keys) throw error
        keys = renewed
        claims = await check(token, keys, issuer)
      }
      const verified: Verified = { ...identify(claims, rolesPath), expiry: claims.exp ?? 0 }
      remember(token, { verified, issuer: keySet, keys })
      return verified
    } catch (error) {
      throw faultOf(error)
    }
  }
}

/** Tries each of the keys when several may have signed the token: it has no key id. */
async function verifyByKeys(
  token: string,
  keys: Keys,
  options: NonNullable<Parameters<typeof jwtVerify>[2]>,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys, options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    let last: unknown = new errors.JWKSNoMatchingKey()
    for await (const key of error) {
      try {
        const { payload }: JWTVerifyResult = await jwtVerify(token, key, options)
        return payload
      } catch (failure) {
        if (!isBadSignature(failure)) throw failure
        last = failure
      }
    }
    throw last
  }
}

/** What the token says of itself, before anything is verified or fetched. BearerError. */
function unverified(token: string): { readonly issuer: string; readonly hasKeyId: boolean } {
  if (token.length > maxTokenLength) throw new BearerError('malformed')
  try {
    const { alg, kid, typ } = decodeProtectedHeader(token)
    if (alg === undefined || !algorithms.includes(alg)) throw new BearerError('algorithm')
    if (typ !== undefined && !isTypeOfAccessTokens(typ)) throw new BearerError('type')
    const { iss } = decodeJwt(token)
    if (typeof iss !== 'string') throw new BearerError('issuer')
    return { issuer: iss, hasKeyId: kid !== undefined }
  } catch (error) {
    if (error instanceof BearerError) throw error
    throw new BearerError('malformed')
  }
}

/**
 * Issuers sign other tokens for the same audience, too, such as those that sign a person out. Most providers give access
 * tokens the type of all JWTs, others that of RFC 9068.
 */
const isTypeOfAccessTokens = (type: string): boolean => /^(?:application\/)?(?:at\+)?jwt$/i.test(type)

const isUnknownKey = (error: unknown): boolean => error instanceof errors.JWKSNoMatchingKey
const isBadSignature = (error: unknown): boolean => error instanceof errors.JWSSignatureVerificationFailed

/** The fault that an error of the verification stands for. Other errors stay what they are. */
function faultOf(error: unknown): unknown {
  if (error instanceof InvalidInputError) return new BearerError('subject')
  if (error instanceof errors.JWTExpired) return new BearerError('expired')
  if (error instanceof errors.JWTClaimValidationFailed) {
    const faults = { aud: 'audience', iss: 'issuer', nbf: 'not_yet_valid', sub: 'subject', exp: 'subject' } as const
    const { claim } = error
    return new BearerError(isKey(faults, claim) ? faults[claim] : 'malformed')
  }
  if (isUnknownKey(error)) return new BearerError('key')
  if (isBadSignature(error)) return new BearerError('signature')
  if (error instanceof errors.JOSEAlgNotAllowed) return new BearerError('algorithm')
  if (error instanceof errors.JOSEError) return new BearerError('malformed')
  return error
}

const isKey = <Key extends string>(record: Readonly<Record<Key, unknown>>, key: string): key is Key =>
  Object.hasOwn(record, key)
