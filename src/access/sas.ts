import { createHmac, timingSafeEqual } from 'node:crypto'
import { hostName } from '../host-name.ts'

/**
 * A shared access signature as it was sent. `resource` is the `sr` value exactly as it is in the token, because that
 * text was signed; `signature` is base64; `expiry` is in seconds since 1970 UTC; a token signed with a device's own key
 * names no policy.
 */
export type SasToken = {
  readonly resource: string
  readonly signature: string
  readonly expiry: number
  readonly policyName: string | undefined
}

/**
 * How long after its expiry a token is still accepted. Devices compute the expiry from clocks that drift, and IoT Hub
 * tolerates about five minutes: a device that works there must work here. The default lifetime of a token is an hour,
 * so a stolen one gains little. Connections are closed for an expired token only after this time, because otherwise the
 * device would be admitted again at once.
 */
export const expiryToleranceInSeconds = 300

const scheme = 'sharedaccesssignature '
/** Room for a device id of 128 characters, each percent-encoded twice, a long host and a policy. */
const maxTokenLength = 4096
const fieldNames: ReadonlySet<string> = new Set(['sr', 'sig', 'se', 'skn'])

/**
 * The token in an `Authorization` header or an MQTT password, or `undefined` when it is malformed: `sr`, `sig` and `se`
 * once each and `skn` at most once, in any order, nothing else. An empty `skn` counts as missing: some device clients
 * send it.
 */
export function parseSasToken(text: string): SasToken | undefined {
  // The name of a scheme is case-insensitive (RFC 9110, 11.1).
  if (text.length > maxTokenLength || !text.toLowerCase().startsWith(scheme)) return undefined
  const fields = new Map<string, string>()
  for (const field of text.slice(scheme.length).split('&')) {
    const equals = field.indexOf('=')
    const name = field.slice(0, Math.max(equals, 0))
    if (!fieldNames.has(name) || fields.has(name)) return undefined
    fields.set(name, field.slice(equals + 1))
  }
  const resource = fields.get('sr')
  const signature = decodeOnce(fields.get('sig'))
  const expiry = fields.get('se')
  const policyName = decodeOnce(fields.get('skn') ?? '')
  if (resource === undefined || !/^[!-~]+$/.test(resource)) return undefined
  // The base64 of 32 bytes, so that the compared digests have the same length.
  if (signature === undefined || !/^[A-Za-z0-9+/]{43}=$/.test(signature)) return undefined
  // Ten digits last until 2286, and any of them is accepted: a client that can sign for ten years could also sign each
  // day, and some devices in use were given tokens for years. Changing the keys invalidates them. No leading zero: the
  // number must print as the text that was signed.
  if (expiry === undefined || !/^[1-9][0-9]{0,9}$/.test(expiry)) return undefined
  // A text with U+0000 is an error in PostgreSQL, not a missing row.
  if (policyName === undefined || policyName.includes('\0')) return undefined
  return { resource, signature, expiry: Number(expiry), policyName: policyName === '' ? undefined : policyName }
}

/** The input of a token. `resource` is already encoded as in the token; `key` is base64. */
export type SasRequest = {
  readonly resource: string
  readonly key: string
  readonly expiry: number
  readonly policyName?: string
}

/** A token's text, its fields in the order of the Azure SDKs. */
export function signSasToken({ resource, key, expiry, policyName }: SasRequest): string {
  const signature = digestOf(resource, expiry, Buffer.from(key, 'base64')).toString('base64')
  const policy = policyName === undefined ? '' : `&skn=${encodeURIComponent(policyName)}`
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}${policy}&se=${expiry}`
}

/** As long as generated keys: an empty one would take another time. Anybody could sign with it, so it verifies nothing. */
const noKey = Buffer.alloc(32).toString('base64')

/**
 * Whether one of the keys (base64) signed the token. It takes the same time whichever key it was, and with no keys the
 * same as with the usual two, so that the duration does not reveal whether a device or a policy exists. An empty key is
 * never accepted: any client could have used it.
 */
export function verifySasSignature(token: SasToken, keysBase64: readonly string[]): boolean {
  const signature = Buffer.from(token.signature, 'base64')
  const [primary = noKey, secondary = noKey, ...others] = keysBase64
  let verified = false
  for (const [index, keyBase64] of [primary, secondary, ...others].entries()) {
    const key = Buffer.from(keyBase64, 'base64')
    const matches = timingSafeEqual(digestOf(token.resource, token.expiry, key), signature)
    verified = (matches && key.length > 0 && index < keysBase64.length) || verified
  }
  return verified
}

/**
 * Whether the token's resource is the path `segments` below one of the hub's own names, or a whole-segment prefix of
 * it: `hub` and `hub/devices/d1` cover `['devices', 'd1']`, `hub/dev` and `hub/devices/d` do not. The host is compared
 * without case and without its port (a device that connects by `host:port` signs that, and a port grants nothing),
 * everything below it with case.
 *
 * Some clients encode a device id before they encode the whole, so an id that still contains percent signs may be
 * decoded a second time. Only in a token signed with the device's own key: under a policy's key, a token for a device
 * called `%64%31` would be accepted for the device `d1`.
 */
export function tokenCovers(token: SasToken, segments: readonly string[], acceptedHosts: readonly string[]): boolean {
  const [host, ...path] = decodeOnce(token.resource)?.split('/') ?? []
  if (host === undefined || path.length > segments.length) return false
  if (!acceptedHosts.some((accepted) => hostName(accepted) === hostName(host))) return false
  return path.every((segment, index) => {
    if (segment === segments[index]) return true
    const twiceEncoded = index === 1 && path[0] === 'devices' && segment.includes('%')
    return twiceEncoded && token.policyName === undefined && decodeOnce(segment) === segments[index]
  })
}

/** Whether the token is past its expiry and the tolerance. */
export function tokenExpired(token: SasToken, nowSeconds: number): boolean {
  return nowSeconds > token.expiry + expiryToleranceInSeconds
}

/** The requirements on a token: the keys of its signer, and the requested resource below one of the hub's names. */
export type TokenDemand = {
  readonly keysBase64: readonly string[]
  readonly segments: readonly string[]
  readonly acceptedHosts: readonly string[]
  readonly nowSeconds: number
}

/** The fault of a token that was good until it expired. */
export const expired = 'the token has expired'

/** The fault of a token, for the log; undefined for a valid one. It takes the same time for every fault. */
export function tokenFault(token: SasToken, demand: TokenDemand): string | undefined {
  const signed = verifySasSignature(token, demand.keysBase64)
  const covers = tokenCovers(token, demand.segments, demand.acceptedHosts)
  const isExpired = tokenExpired(token, demand.nowSeconds)
  if (!covers) return 'the token is for another resource'
  if (!signed) return 'the token is signed with another key'
  return isExpired ? expired : undefined
}

function digestOf(resource: string, expiry: number, key: Buffer): Buffer {
  return createHmac('sha256', key).update(`${resource}\n${expiry}`).digest()
}

function decodeOnce(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    return undefined
  }
}
