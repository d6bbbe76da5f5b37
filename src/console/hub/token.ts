const key = 'twincast-token'

/** The token of this browser tab; gone when the tab is closed. */
export function keptToken(): string | undefined {
  return sessionStorage.getItem(key) ?? undefined
}

/** Keeps a token, or forgets the present one. */
export function keepToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(key)
  else sessionStorage.setItem(key, token)
}
