import type { PendingSignIn } from './open-id.ts'

const key = 'twincast-sign-in'

/** Keeps a sign-in of this tab until the provider has led back. */
export function keepPending(pending: PendingSignIn): void {
  sessionStorage.setItem(key, JSON.stringify(pending))
}

/** The sign-in under way in this tab. It is forgotten: no address finishes a sign-in twice. */
export function takePending(): PendingSignIn | undefined {
  const kept = sessionStorage.getItem(key)
  sessionStorage.removeItem(key)
  return kept === null ? undefined : JSON.parse(kept)
}
