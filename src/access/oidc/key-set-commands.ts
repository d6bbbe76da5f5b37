import { readFile } from 'node:fs/promises'
import { createLocalJWKSet, type JSONWebKeySet, type JWK } from 'jose'
import type { Clock } from '../../clock.ts'
import { IssuerUnavailableError } from '../../errors.ts'
import type { Log } from '../../log/log.ts'
import { watchFile } from '../../watched-file.ts'
import { fetchDiscovery, fetchText, memberOf, parseJson } from './discovery-commands.ts'
import { keepAnswer } from './kept-answer-commands.ts'

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

type Ground = { readonly clock: Clock; readonly log: Log }

/**
 * The keys that the issuer publishes: found by its discovery document, kept for as long as it is unreachable, and
 * fetched again in the background while they are in use. An answer without usable keys never replaces those that the
 * hub has.
 */
export function createRemoteKeySet({ clock, log }: Ground, issuer: string): KeySet {
  const { current, renewed, age, close } = keepAnswer<{ readonly keys: Keys; readonly text: string }>(
    { clock },
    {
      async read(closed, before) {
        const text = await fetchKeySet(clock, issuer, closed)
        return before?.text === text ? before : { keys: parseKeys(text), text }
      },
      onError: (error) => log.warn({ err: error, issuer }, 'keys of the issuer could not be fetched'),
    },
  )
  const present = (known: { readonly keys: Keys } | undefined): Keys => {
    if (known === undefined) throw new IssuerUnavailableError()
    return known.keys
  }
  return { keys: async () => present(await current()), renewed: async () => present(await renewed()), age, close }
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

/** The text of the issuer's key set. */
async function fetchKeySet(clock: Clock, issuer: string, closed: AbortSignal): Promise<string> {
  const address = memberOf(await fetchDiscovery(clock, issuer, closed), 'jwks_uri')
  if (typeof address !== 'string') throw new Error('The discovery document has no jwks_uri.')
  return fetchText(clock, address, closed)
}
