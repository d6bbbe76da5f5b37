import type { IncomingMessage } from 'node:http'
import { hostName } from '../../host-name.ts'
import { isOwnOrigin } from '../../origin.ts'

/**
 * Why a request is none that may be answered, undefined when it may. Two ways are closed by which a page of another site
 * could act through a browser on the same machine or network, where no token is needed: asking across sites, and making
 * its own name point here (DNS rebinding). `names`, the hosts this hub answers to, are compared without their ports;
 * undefined is any.
 */
export function refusalOf(
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
  names: readonly string[] | undefined,
): string | undefined {
  const { host = '', origin } = request.headers
  if (names !== undefined && !names.some((name) => hostName(name) === hostName(host))) {
    return `This hub does not answer to the name "${hostName(host)}". Without tokens it answers to ${names.join(', ')}.`
  }
  // Browsers name the origin of a page's own requests too, except in a plain GET; and no other client names any.
  if (!isOwnOrigin(request)) {
    return `Pages of ${origin} may not ask this hub. Serve the page from the hub, or through a proxy on one origin.`
  }
  // A plain GET for a link, an image or a form of another site names no origin. What its page asks is asked by fetch.
  const site = request.headers['sec-fetch-site'] ?? 'none'
  if (site !== 'none' && site !== 'same-origin') return 'Pages of other sites may not ask this hub.'
  return undefined
}

/** Headers that proxies add, besides all that begin with `x-forwarded-`. */
const proxyHeaders: ReadonlySet<string> = new Set(['forwarded', 'via', 'x-real-ip'])

/**
 * Whether a proxy passes a request on, which then may come from anywhere. Most say so; nginx by its own default adds no
 * header and speaks HTTP/1.0, which no client of today does.
 */
export function isForwarded({ headers, httpVersion }: Pick<IncomingMessage, 'headers' | 'httpVersion'>): boolean {
  if (httpVersion === '1.0') return true
  return Object.keys(headers).some((name) => proxyHeaders.has(name) || name.startsWith('x-forwarded-'))
}
