import { isIPv6 } from 'node:net'

/** The address of a port, such as `http://localhost:4000`: one that can be requested, which "all addresses" cannot. */
export const addressFor = (protocol: 'http' | 'https' | 'mqtt' | 'mqtts', host: string, port: number): string =>
  `${protocol}://${nameIn(host)}:${port}`

function nameIn(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return isIPv6(host) ? `[${host}]` : host
}
