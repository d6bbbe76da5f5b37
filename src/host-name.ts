/**
 * A host in the form in which it is compared: lower case, without a port. An IPv6 address contains colons and is in
 * brackets.
 */
export function hostName(host: string): string {
  return host.toLowerCase().replace(/^([^:]+|\[[^\]]*\]):\d+$/, '$1')
}
