import { readFile } from 'node:fs/promises'
import { createLocalJWKSet, type JSONWebKeySet, type JWK } from 'jose'
import type { Clock } from '../../clock.ts'
import { IssuerUnavailableError } from '../../errors.ts'
import { isProtectedAddress } from '../../issuer-address.ts'
import type { Log } from '../../log/log.ts'
import { utf8Text } from '../../utf8.ts'
import { watchFile } from '../../watched-file.ts'

/** The keys of an issuer. Another object when they have changed. */
export type Keys = ReturnType<typeof createLocalJWKSet>

/** The keys that sign the tokens of one issuer. */
export type KeySet = {
  /** The present keys. IssuerUnavailableError when there were never any. */
  keys(): Promise<Keys>
  /** The keys after a look for new ones, which happens at most every 30 seconds. */
  renewed(): Promise<Keys>
  /** Seconds since the keys were last confirmed; undefined without keys. */
  age(): number | undefined
  close(): void
}

/** Milliseconds after which keys that are in use are fetched again. */
export const refreshInterval = 600_000
/** Milliseconds between two looks for a key that is unknown. */
export const lookPause = 30_000
/** Milliseconds after a failure in which no further attempt is made while there are no keys. */
export const failurePause = 3_000
/** Milliseconds for one answer of the issuer. */
export const fetchTimeout = 5_000
/** Bytes of one answer of the issuer. */
export const maxAnswerBytes = 1024 * 1024

type Ground = { readonly clock: Clock; readonly log: Log }

/**
 * The keys that the issuer publishes: found by its discovery document, kept for as long as it is unreachable, and
 * fetched again in the background while they are in use. An answer without usable keys never replaces those that the
 * hub has.
 */
export function createRemoteKeySet({ clock, log }: Ground, issuer: string): KeySet {
  let known: { readonly keys: Keys; readonly text: string } | undefined
  let confirmedAt = 0
  let triedAt: number | undefined
  let flight: Promise<void> | undefined
  const closed = new AbortController()

  const refresh = (): Promise<void> => {
    triedAt = clock.elapsed()
    flight ??= fetchKeySet(clock, issuer, closed.signal)
      .then((text) => {
        if (known?.text !== text) known = { keys: parseKeys(text), text }
        confirmedAt = clock.elapsed()
      })
      .catch((error: unknown) => {
        if (!closed.signal.aborted) log.warn({ err: error, issuer }, 'keys of the issuer could not be fetched')
      })
      .finally(() => {
        flight = undefined
      })
    return flight
  }
  const present = (): Keys => {
    if (known === undefined) throw new IssuerUnavailableError()
    return known.keys
  }
  const isPast = (pause: number): boolean => triedAt === undefined || clock.elapsed() - triedAt >= pause
  return {
    async keys() {
      if (known === undefined) {
        if (flight !== undefined || isPast(failurePause)) await refresh()
      } else if (clock.elapsed() - confirmedAt >= refreshInterval && isPast(lookPause)) void refresh()
      return present()
    },
    async renewed() {
      if (flight !== undefined || isPast(lookPause)) await refresh()
      return present()
    },
    age: () => (known === undefined ? undefined : (clock.elapsed() - confirmedAt) / 1_000),
    close: () => closed.abort(),
  }
}

/** The keys in a file, which is watched. A file without usable keys does not replace those that the hub has. */
export async function openKeyFile({ clock, log }: Ground, path: string): Promise<KeySet> {
  let known: { readonly keys: Keys; readonly text: string } | undefined
  let readAt = 0
  const read = async (): Promise<void> => {
    const text = await readFile(path, 'utf8')
    if (known?.text !== text) known = { keys: parseKeys(text), text }
    readAt = clock.elapsed()
  }
  const watched = watchFile({ clock, log }, path, read)
  try {
    await read()
  } catch (error) {
    watched.close()
    const reason = error instanceof Error ? error.message : String(error)
    throw new KeyFileError(`OIDC_JWKS_FILE is ${path}, which cannot be used: ${reason}`)
  }
  const keys = async (): Promise<Keys> => {
    if (known === undefined) throw new IssuerUnavailableError()
    return known.keys
  }
  return { keys, renewed: keys, age: () => (clock.elapsed() - readAt) / 1_000, close: watched.close }
}

/** The file of keys cannot be used; the sentence names the variable. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError'
}

/** The keys in the text of a key set. Error, whose message contains nothing of the text. */
export function parseKeys(text: string): Keys {
  const keys = signingKeys(parseJson(text))
  if (keys.keys.length === 0) throw new Error('The key set has no public key for signatures.')
  return createLocalJWKSet(keys)
}

/** The public keys for signatures; secrets and keys for encryption are left out. */
function signingKeys(value: unknown): JSONWebKeySet {
  const keys = memberOf(value, 'keys')
  if (!Array.isArray(keys)) throw new Error('It is not a key set: it has no list "keys".')
  return { keys: keys.flatMap((key: unknown) => signingKey(key) ?? []) }
}

function signingKey(key: unknown): JWK | undefined {
  const type = memberOf(key, 'kty')
  const use = memberOf(key, 'use')
  const operations = memberOf(key, 'key_ops')
  const isPublic = (type === 'RSA' || type === 'EC' || type === 'OKP') && memberOf(key, 'd') === undefined
  const signs = use === undefined || use === 'sig'
  const verifies = operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
  if (!isPublic || !signs || !verifies || typeof key !== 'object' || key === null) return undefined
  return { ...Object.fromEntries(Object.entries(key).filter(([, member]) => typeof member === 'string')), kty: type }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('It is not JSON.')
  }
}

/** The text of the issuer's key set. */
async function fetchKeySet(clock: Clock, issuer: string, closed: AbortSignal): Promise<string> {
  const discovery = parseJson(await fetchText(clock, discoveryUrl(issuer), closed))
  const named = memberOf(discovery, 'issuer')
  if (named !== issuer) throw new Error('The discovery document is that of another issuer.')
  const address = memberOf(discovery, 'jwks_uri')
  if (typeof address !== 'string') throw new Error('The discovery document has no jwks_uri.')
  const text = await fetchText(clock, address, closed)
  parseKeys(text)
  return text
}

const discoveryUrl = (issuer: string): string => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

async function fetchText(clock: Clock, address: string, closed: AbortSignal): Promise<string> {
  if (!isProtectedAddress(address)) throw new Error('The address must begin with https:, except on this machine.')
  const waited = new AbortController()
  const late = new AbortController()
  void clock.sleep(fetchTimeout, waited.signal).then(() => late.abort(new Error('The issuer did not answer in time.')))
  try {
    // A redirect would be followed to hosts that nobody has configured.
    const signal = AbortSignal.any([late.signal, closed])
    const response = await fetch(address, { redirect: 'error', signal, headers: { accept: 'application/json' } })
    if (!response.ok) throw new Error(`The issuer answered with status ${response.status}.`)
    return await textWithin(response, maxAnswerBytes)
  } finally {
    waited.abort()
  }
}

async function textWithin(response: Response, most: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > most) throw new Error(`The answer of the issuer has more than ${most} bytes.`)
    chunks.push(chunk)
  }
  const text = utf8Text(Buffer.concat(chunks))
  if (text === undefined) throw new Error('It is not UTF-8.')
  return text
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Reflect.get(value, name)
}
