/** A host as it is compared: lower case, without a port. An IPv6 address has colons of its own and brackets around it. */
export function hostName(host: string): string {
  return host.toLowerCase().replace(/^([^:]+|\[[^\]]*\]):\d+$/, '$1')
}
