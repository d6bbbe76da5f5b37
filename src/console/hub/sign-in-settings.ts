import type { AuthorizationServer } from 'oauth4webapi'

/** How persons sign in to this hub, as it wrote into the page. */
export type SignInSettings = {
  readonly issuer: string
  /** The console as the provider knows it. */
  readonly clientId: string
  /** What tokens must be for. */
  readonly audiences: readonly string[]
  /** Undefined while the hub has never reached the provider. */
  readonly provider?: AuthorizationServer
}

/** The settings in the page; undefined where persons cannot sign in. */
export function signInSettings(): SignInSettings | undefined {
  const text = document.querySelector<HTMLMetaElement>('meta[name="sign-in"]')?.content
  return text ? JSON.parse(text) : undefined
}
