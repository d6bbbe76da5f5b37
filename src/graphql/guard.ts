import type { IncomingHttpHeaders } from 'node:http'

/**
 * Why a request is none that may be answered, undefined when it may. Two ways are closed by which a page of another site
 * could act through a browser on the same machine or network, where no token is needed: asking across sites, and making
 * its own name point here (DNS rebinding). `names`, the hosts this hub answers to, are compared without their ports;
 * undefined is any.
 */
export function refusalOf(headers: IncomingHttpHeaders, names: readonly string[] | undefined): string | undefined {
  const { host = '', origin } = headers
  if (names !== undefined && !names.some((name) => nameOf(name) === nameOf(host))) {
    return `This hub does not answer to the name "${nameOf(host)}". Without tokens it answers to ${names.join(', ')}.`
  }
  // Browsers name the origin of a page's own requests too, except in a plain GET; and no other client names any.
  if (origin !== undefined && hostOf(origin) !== host.toLowerCase()) {
    return `Pages of ${origin} may not ask this hub. Serve the page from the hub, or through a proxy on one origin.`
  }
  const site = headers['sec-fetch-site']
  const crossSite = site === 'cross-site' || site === 'same-site'
  if (crossSite && headers['sec-fetch-mode'] !== 'navigate') return 'Pages of other sites may not ask this hub.'
  return undefined
}

/** Lower case, without a port. An IPv6 address has colons of its own. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/^([^:]+|\[[^\]]*\]):\d+$/, '$1')
}

/** With its port, unless that is the one of the scheme: as browsers write the `Host` header. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
