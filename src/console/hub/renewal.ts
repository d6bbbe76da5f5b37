import { type CurrentCredential, credentialOf } from './credential.ts'
import { isOnlyTab } from './only-tab.ts'
import { refreshTokens, SignInError } from './open-id.ts'
import type { SignInSettings } from './sign-in-settings.ts'

/**
 * Whether the token of a person is renewed in time. `waiting`: the provider does not answer, and is asked again.
 * `late`: the same, and the token has expired. `ended`: only another sign-in helps.
 */
type RenewalState = 'fine' | 'waiting' | 'late' | 'ended'

/** Renews the token of a person, for as long as the page is open. */
export type Renewal = {
  /** For `useSyncExternalStore`. */
  readonly state: { get(): RenewalState; subscribe(listener: () => void): () => void }
  /**
   * Gets another token because the hub has refused this one. Resolves with whether another one is in force; false for
   * pasted tokens, which cannot be renewed.
   */
  replace(refused: string | undefined): Promise<boolean>
  /** Resolves when the credential may be accepted, as far as this page knows. */
  usable(): Promise<void>
}

/** Milliseconds until a provider that did not answer is asked again; doubled each time. */
const firstPause = 2_000
const longestPause = 30_000

/** A timer of more milliseconds fires at once. A token that is valid for longer is renewed early. */
const longestTimer = 2 ** 31 - 1

/** Begins to renew. `settings` are undefined where persons cannot sign in. */
export function startRenewal(credential: CurrentCredential, settings: SignInSettings | undefined): Renewal {
  let state: RenewalState = 'fine'
  let timer = 0
  let pause = firstPause
  let flight: Promise<boolean> | undefined
  /** The latest one that the hub has refused, and the one that took its place. */
  let refused: string | undefined
  let replacement: string | undefined
  const listeners = new Set<() => void>()
  const become = (next: RenewalState): void => {
    state = next
    for (const listener of listeners) listener()
  }
  const renewIn = (milliseconds: number): void => {
    clearTimeout(timer)
    timer = window.setTimeout(() => void renew(), Math.min(Math.max(0, milliseconds), longestTimer))
  }
  const plan = (): void => {
    clearTimeout(timer)
    const renewal = credential.get()?.renewal
    if (renewal !== undefined) renewIn(renewal.renewAt - Date.now())
    become('fine')
  }

  const renewNow = async (): Promise<boolean> => {
    const before = credential.get()
    const { session, refreshToken } = before?.renewal ?? {}
    const canRefresh = session !== undefined && refreshToken !== undefined && (await isOnlyTab(session))
    // Signed in again or signed out meanwhile: the session of before says nothing about that of now.
    if (credential.get() !== before) return false
    if (settings === undefined || before === undefined || !canRefresh) {
      become('ended')
      return false
    }
    try {
      const tokens = await refreshTokens(settings, refreshToken)
      if (credential.get() !== before) return false
      pause = firstPause
      credential.replace(credentialOf(tokens, session, Date.now()))
      return true
    } catch (error) {
      if (credential.get() !== before) return false
      if (error instanceof SignInError && error.isTemporary) {
        become((before.renewal?.expiresAt ?? 0) > Date.now() ? 'waiting' : 'late')
        renewIn(pause)
        pause = Math.min(longestPause, pause * 2)
      } else become('ended')
      return false
    }
  }
  const renew = (): Promise<boolean> => {
    clearTimeout(timer)
    if (flight !== undefined) return flight
    const begun = renewNow().finally(() => {
      if (flight === begun) flight = undefined
    })
    flight = begun
    return begun
  }
  /** Timers stand still while a machine sleeps, and are late in hidden tabs. */
  const onVisible = (): void => {
    const renewal = credential.get()?.renewal
    if (document.hidden || renewal === undefined || state === 'ended') return
    if (renewal.renewAt <= Date.now()) void renew()
  }

  credential.listen(() => {
    // A renewal of the one before is not one of this.
    flight = undefined
    plan()
  })
  document.addEventListener('visibilitychange', onVisible)
  plan()
  return {
    state: {
      get: () => state,
      subscribe(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    async replace(authorization) {
      const current = credential.get()
      if (current?.renewal === undefined) return false
      if (current.authorization !== authorization) return true
      refused = authorization
      if (state !== 'fine') return false
      if (authorization === replacement && current.renewal.expiresAt > Date.now()) {
        // Another one would be refused, too.
        clearTimeout(timer)
        become('ended')
        return false
      }
      const isReplaced = await renew()
      replacement = credential.get()?.authorization
      return isReplaced
    },
    usable: () =>
      new Promise((resolve) => {
        const isUsable = (): boolean => {
          const current = credential.get()
          if (current?.renewal === undefined) return true
          return current.authorization !== refused && current.renewal.expiresAt > Date.now()
        }
        const look = (): void => {
          if (!isUsable()) return
          listeners.delete(look)
          resolve()
        }
        listeners.add(look)
        look()
      }),
  }
}
