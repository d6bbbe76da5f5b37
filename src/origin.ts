import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'

/**
 * Whether a request comes from a page of this hub, or from no page: browsers say where a page comes from (`Origin`), and
 * hardly another client does. Origins are compared as RFC 6454 has it: scheme, host and port, and a port that is missing
 * is the one of the scheme. A connection by TLS shows the scheme. On a plain one it is the page's: what a proxy with TLS
 * before this hub says of it, anybody could say.
 */
export function isOwnOrigin({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): boolean {
  const { origin, host = '' } = headers
  return origin === undefined || isSameOrigin(origin, host, socket instanceof TLSSocket)
}

/** `host` is the text of the `Host` header. */
export function isSameOrigin(origin: string, host: string, isByTls: boolean): boolean {
  if (!/^https?:\/\/[^/?#@\\\s]+$/i.test(origin) || !/^[^/?#@\\\s]+$/.test(host)) return false
  if (!URL.canParse(origin)) return false
  const page = new URL(origin)
  const own = `${page.protocol}//${host}`
  return !(isByTls && page.protocol !== 'https:') && URL.canParse(own) && new URL(own).host === page.host
}
