import { hostName } from '../host-name.ts'
import type { ForwardingHeaders, Proxies } from '../limits/client-address.ts'
import { isLoopback } from '../loopback.ts'

/** Whose requests without TLS the hub accepts: everybody's, nobody's, or those that no network carries in the clear. */
export type PlainHttp = 'on' | 'off' | 'loopback'

type PlainRequest = {
  readonly peer: string
  readonly headers: ForwardingHeaders & { readonly host?: string | undefined }
}

/**
 * Whether a request without TLS may carry a token. The address of the peer decides, and the headers only of a trusted
 * proxy.
 */
export function mayComePlain(mode: PlainHttp, proxies: Proxies, { peer, headers }: PlainRequest): boolean {
  if (mode !== 'loopback') return mode === 'on'
  return isLoopback(peer) || proxies.cameByTls(peer, headers)
}

/** Why it may not. */
export function plainRefusal(
  mode: PlainHttp,
  proxies: Proxies,
  request: PlainRequest & { readonly tlsPort: number | undefined },
): string {
  const { peer, tlsPort } = request
  const address = tlsAddress(request) ?? `port ${tlsPort}`
  if (mode === 'off') return `This hub accepts requests over TLS only. Use ${address}.`
  if (proxies.isTrusted(peer)) {
    return 'This hub accepts requests over TLS only. The proxy must send "X-Forwarded-Proto: https" for requests that it received over TLS.'
  }
  const first = tlsPort === undefined ? 'Set' : `Use ${address}, set`
  return `This hub accepts requests over TLS only. ${first} PLAIN_HTTP=on, or name the proxy that adds TLS in TRUSTED_PROXIES.`
}

/**
 * The address of the hub over TLS, under the name that the client uses. Undefined if that is not a name, or if the port
 * is off.
 */
export function tlsAddress({
  headers,
  tlsPort,
}: PlainRequest & { readonly tlsPort: number | undefined }): string | undefined {
  if (tlsPort === undefined) return undefined
  const name = hostName(headers.host ?? '')
  return /^([\w.-]+|\[[\da-f:.]+\])$/.test(name) ? `https://${name}:${tlsPort}` : undefined
}
