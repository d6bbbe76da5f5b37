import { createSession, fixedSession, type Session } from '../../clients/session.ts'
import { type Attempt, createSignIn, SignedOutError, type Tokens } from '../../clients/sign-in.ts'

// Tokens are kept in this tab: it stays signed in when it is loaded again, and no other tab can read them.

const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId = 'page', OIDC_AUDIENCE: audience = '' } = import.meta.env

/** Where the provider sends the browser: this page, without anything after its path. */
const redirectUri = `${location.origin}${location.pathname}`
const provider = issuer === undefined ? undefined : createSignIn({ issuer, clientId, redirectUri, audience })

type PendingSignIn = { readonly attempt: Attempt; readonly hash: string }

/** Whether there is a provider. Without one, the hub is asked without a token. */
export const canSignIn = provider !== undefined

/**
 * The session of this tab, also when the provider has just sent the browser back; undefined when nobody is signed in.
 * `onSignedOut` runs when the provider renews the tokens no longer.
 */
export async function openSession(onSignedOut: () => void): Promise<Session | undefined> {
  if (provider === undefined) return fixedSession(undefined)
  const callback = new URL(location.href)
  if (callback.searchParams.has('code') || callback.searchParams.has('error')) {
    const pending = read<PendingSignIn>('sign-in')
    sessionStorage.removeItem('sign-in')
    history.replaceState(null, '', `${redirectUri}${pending?.hash ?? ''}`)
    if (pending === undefined) throw new Error('This sign-in did not begin in this tab, or has ended. Sign in again.')
    keep(await provider.finish(callback, pending.attempt))
  }
  const tokens = read<Tokens>('tokens')
  if (tokens === undefined) return undefined
  const session = createSession(tokens, provider.renew, keep)
  return {
    ...session,
    async authorization() {
      try {
        return await session.authorization()
      } catch (error) {
        if (error instanceof SignedOutError) {
          sessionStorage.removeItem('tokens')
          onSignedOut()
        }
        throw error
      }
    },
  }
}

/** Leaves for the provider, which sends the browser back to the same place. */
export async function signIn(): Promise<void> {
  if (provider === undefined) return
  const { address, attempt } = await provider.begin()
  const pending: PendingSignIn = { attempt, hash: location.hash }
  sessionStorage.setItem('sign-in', JSON.stringify(pending))
  location.assign(address)
}

/** Ends the session in this tab, and at the provider. */
export async function signOut(): Promise<void> {
  const tokens = read<Tokens>('tokens')
  sessionStorage.removeItem('tokens')
  const address = tokens === undefined ? undefined : await provider?.signOutAddress(tokens, redirectUri)
  location.assign(address ?? redirectUri)
}

const keep = (tokens: Tokens): void => sessionStorage.setItem('tokens', JSON.stringify(tokens))

/** What this tab keeps under a name. */
function read<Value>(name: string): Value | undefined {
  const text = sessionStorage.getItem(name)
  return text === null ? undefined : JSON.parse(text)
}
