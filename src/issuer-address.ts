import { isLoopback } from './loopback.ts'

/** Whether nobody between this machine and the address can change what it answers. */
export function isProtectedAddress(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  const isHere = hostname === 'localhost' || isLoopback(hostname.replace(/^\[|\]$/g, ''))
  return protocol === 'https:' || (protocol === 'http:' && isHere)
}

/** Whether the keys of this issuer can be found by its name, which is an address. */
export const isIssuerAddress = (issuer: string): boolean => isProtectedAddress(issuer) && !/[?#]/.test(issuer)
