import { credentialKey } from './credential-key.ts'
import type { Tokens } from './open-id.ts'

/** What gives access to the hub: a pasted token, or that of a person who has signed in. */
export type Credential = {
  /** The header `Authorization`. */
  readonly authorization: string
  /** Of a person who has signed in: how it is renewed. */
  readonly renewal?: {
    /** What the tokens of one sign-in have in common. */
    readonly session: string
    /** Undefined when only another sign-in gives another token. */
    readonly refreshToken: string | undefined
    /** By the clock of this machine, in milliseconds since 1970. */
    readonly renewAt: number
    readonly expiresAt: number
  }
}

/** The credential that is in force in this tab. It survives reloads, and is gone when the tab is closed. */
export type CurrentCredential = {
  get(): Credential | undefined
  /** Undefined forgets it. */
  replace(credential: Credential | undefined): void
  /** Calls `replaced` whenever another one is in force. Returns a function that ends this. */
  listen(replaced: () => void): () => void
}

/** Seconds before the expiry at which a token is renewed; a short one in the middle of its time. */
const renewedBefore = 60

/** The credential for tokens of a session that were received now. */
export function credentialOf({ bearer, refreshToken, seconds }: Tokens, session: string, now: number): Credential {
  return {
    authorization: `Bearer ${bearer}`,
    renewal: {
      session,
      refreshToken,
      renewAt: now + (seconds - Math.min(renewedBefore, seconds / 2)) * 1_000,
      expiresAt: now + seconds * 1_000,
    },
  }
}

/** Reads the credential that this tab keeps. */
export function readCredential(): CurrentCredential {
  const kept = sessionStorage.getItem(credentialKey)
  let current: Credential | undefined = kept === null ? undefined : JSON.parse(kept)
  const listeners = new Set<() => void>()
  return {
    get: () => current,
    replace(credential) {
      current = credential
      if (credential === undefined) sessionStorage.removeItem(credentialKey)
      else sessionStorage.setItem(credentialKey, JSON.stringify(credential))
      for (const listener of listeners) listener()
    },
    listen(replaced) {
      listeners.add(replaced)
      return () => listeners.delete(replaced)
    },
  }
}
