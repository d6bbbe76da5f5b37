import type { Clock } from '../../clock.ts'
import { isProtectedAddress } from '../../issuer-address.ts'
import { utf8Text } from '../../utf8.ts'

/** Milliseconds for one answer of the issuer. */
export const fetchTimeout = 5_000
/** Bytes of one answer of the issuer. */
export const maxAnswerBytes = 1024 * 1024

/** The discovery document of an issuer. Error when it has none, or that of another issuer. */
export async function fetchDiscovery(clock: Clock, issuer: string, closed: AbortSignal): Promise<unknown> {
  const document = parseJson(await fetchText(clock, discoveryUrl(issuer), closed))
  if (memberOf(document, 'issuer') !== issuer) throw new Error('The discovery document is that of another issuer.')
  return document
}

const discoveryUrl = (issuer: string): string => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

/** The text at an address of the issuer. */
export async function fetchText(clock: Clock, address: string, closed: AbortSignal): Promise<string> {
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

/** The value of a text of the issuer. Error, whose message contains nothing of the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('It is not JSON.')
  }
}

/** A member that the value has itself. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Reflect.get(value, name)
}
