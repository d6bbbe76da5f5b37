/** The claims of a JWT, unverified: only the hub verifies tokens. Undefined for a text that is no JWT. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload, signature, more] = token.split('.')
  if (payload === undefined || signature === undefined || more !== undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (byte) => byte.charCodeAt(0))
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined
  } catch {
    return undefined
  }
}

/** Whether a JWT is for one of these audiences. */
export function isFor(token: string, audiences: readonly string[]): boolean {
  const named = claimsOf(token)?.aud
  const list: readonly unknown[] = Array.isArray(named) ? named : [named]
  return list.some((one) => typeof one === 'string' && audiences.includes(one))
}

/** Seconds from the issue of a JWT to its expiry, whatever the clock of this machine shows. */
export function lifetimeOf(token: string): number | undefined {
  const { exp, iat } = claimsOf(token) ?? {}
  return typeof exp === 'number' && typeof iat === 'number' && exp > iat ? exp - iat : undefined
}
