import type { IncomingHttpHeaders } from 'node:http'
import { originIn } from '../../origin.ts'
import { isProxyHeader } from './cross-site.ts'

type Headers = Readonly<Record<string, string>>

/** The pages of other origins that may use the API, and the headers by which browsers learn it (CORS). */
export type Origins = {
  allows(origin: string): boolean
  /** The headers of every answer to this request. */
  headersFor(request: IncomingHttpHeaders): Headers
  /** The further headers of the answer to a preflight, and to any other OPTIONS request. */
  preflightHeaders(request: IncomingHttpHeaders): Headers
}

/** Request headers that the API reads. */
const ownHeaders = ['authorization', 'content-type', 'accept', 'last-event-id', 'x-request-id', 'traceparent']

/** Seconds for which browsers may keep the answer to a preflight. None keeps it longer. */
const preflightAge = 7_200

/** A header name: a token [RFC 9110, 5.6.2]. */
const isHeaderName = (text: string): boolean => /^[!#$%&'*+.^_`|~\w-]+$/.test(text)

/**
 * `allowed` are origins in their one form, or `*` for all. A page without an origin, such as a sandboxed frame, may
 * never: any site can create one. Cookies are never allowed, because the API does not use them.
 */
export function createOrigins(allowed: readonly string[]): Origins {
  const listed = new Set(allowed)
  const allows = (text: string): boolean => {
    if (listed.has(text) && text !== '*') return true
    const origin = originIn(text)
    return origin !== undefined && (listed.has('*') || listed.has(origin))
  }
  return {
    allows,
    headersFor({ origin }) {
      if (allowed.length === 0) return {}
      // Caches must not give the answer to one origin to another.
      if (origin === undefined || !allows(origin)) return { vary: 'origin' }
      return {
        vary: 'origin',
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'retry-after, www-authenticate, x-request-id',
      }
    },
    preflightHeaders(headers) {
      const { origin, 'access-control-request-method': method } = headers
      const allow = { allow: 'GET, POST, OPTIONS' }
      if (origin === undefined || method === undefined || !allows(origin)) return allow
      return {
        vary: 'origin, access-control-request-headers, access-control-request-private-network',
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': [...new Set([...ownHeaders, ...askedHeaders(headers)])].join(', '),
        'access-control-max-age': String(preflightAge),
        ...(headers['access-control-request-private-network'] === 'true' && {
          'access-control-allow-private-network': 'true',
        }),
      }
    },
  }
}

/**
 * The headers that a page wants to send, such as those of further tracing tools. The API ignores them. Those of proxies say where
 * a request came from, which a page does not decide.
 */
function askedHeaders({ 'access-control-request-headers': asked = '' }: IncomingHttpHeaders): string[] {
  const names = asked.split(',').map((name) => name.trim().toLowerCase())
  return names.filter((name) => isHeaderName(name) && !isProxyHeader(name))
}
