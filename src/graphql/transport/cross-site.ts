import type { IncomingMessage } from 'node:http'
import { hostName } from '../../host-name.ts'
import { isOwnOrigin, originIn } from '../../origin.ts'

/** Why a request is refused. `missing`: the origin that would have to be allowed. */
export type CrossSiteRefusal = { readonly message: string; readonly missing?: { readonly origin: string } }

/**
 * The reason to refuse a request, or undefined. Where no token is needed, a page of another site could act through a
 * browser on the same machine or network. This prevents two such attacks: requests across sites, and a name of the
 * other site that resolves to this hub (DNS rebinding). `names` are the host names of this hub, compared without ports;
 * undefined accepts any. `allows` decides about the origins of other sites.
 */
export function crossSiteRefusal(
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
  names: readonly string[] | undefined,
  allows: (origin: string) => boolean,
): CrossSiteRefusal | undefined {
  const { host = '', origin } = request.headers
  if (names !== undefined && !names.some((name) => hostName(name) === hostName(host))) {
    const message = `This hub does not accept the host name "${hostName(host)}". Without tokens it accepts only ${names.join(', ')}.`
    return { message }
  }
  // Browsers send the origin of a page with its own requests too, except with a plain GET. Other clients send no
  // origin.
  if (!isOwnOrigin(request)) return allows(origin ?? '') ? undefined : refusalOf(origin ?? '')
  // A plain GET for a link, an image or a form of another site has no origin.
  const site = request.headers['sec-fetch-site'] ?? 'none'
  if (site === 'none' || site === 'same-origin') return undefined
  return { message: 'Requests from pages of other sites are not allowed.' }
}

function refusalOf(text: string): CrossSiteRefusal {
  const origin = originIn(text)
  if (origin === undefined) {
    const message =
      'Requests from pages without an origin, such as files and sandboxed frames, are not allowed. Serve the page from the hub, or from an origin in ALLOWED_ORIGINS.'
    return { message }
  }
  const message = `Requests from pages of ${origin} are not allowed. Add this origin to ALLOWED_ORIGINS, or serve the page from the hub.`
  return { message, missing: { origin } }
}

/** Headers that proxies add, in addition to those with the prefix `x-forwarded-`. */
const proxyHeaders: ReadonlySet<string> = new Set(['forwarded', 'via', 'x-real-ip'])

/** Whether a header with this name, in lower case, is one that proxies add. */
export const isProxyHeader = (name: string): boolean => proxyHeaders.has(name) || name.startsWith('x-forwarded-')

/**
 * Whether a proxy has forwarded a request, which may then come from anywhere. Most proxies add a header. nginx adds
 * none by default and speaks HTTP/1.0, which no current client does.
 */
export function isForwarded({ headers, httpVersion }: Pick<IncomingMessage, 'headers' | 'httpVersion'>): boolean {
  if (httpVersion === '1.0') return true
  return Object.keys(headers).some(isProxyHeader)
}
