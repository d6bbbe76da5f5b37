import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'

/**
 * Whether a request comes from a page of this hub, or from no page. Browsers send the origin of a page (`Origin`),
 * other clients hardly ever do. Origins are compared as in RFC 6454: scheme, host and port, where a missing port is the
 * default of the scheme. A TLS connection proves the scheme. On a plain one the page's scheme is used: any client could
 * forge what a TLS proxy in front of this hub reports.
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

/**
 * The origin in its one form, as browsers write it: in lower case, with names in ASCII and without the default port of
 * its scheme. Undefined for anything else, such as `null`, the origin of a page that has none, and addresses with a path.
 */
export function originIn(text: string): string | undefined {
  if (!/^https?:\/\/[^/?#@\\\s*,]+$/i.test(text) || !URL.canParse(text)) return undefined
  return new URL(text).origin
}
