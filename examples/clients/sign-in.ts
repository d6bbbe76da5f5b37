import * as oauth from 'oauth4webapi'

/** How a program is registered at the OpenID provider. */
export type Registration = {
  /** One of `OIDC_ISSUER`. */
  readonly issuer: string
  readonly clientId: string
  /** Where the provider sends the browser afterwards. */
  readonly redirectUri: string
  /** One of `OIDC_AUDIENCE`. */
  readonly audience: string
}

/** What a page keeps while the browser is at the provider, such as in sessionStorage. */
export type Attempt = { readonly verifier: string; readonly state: string; readonly nonce: string }

/** What the provider gave. */
export type Tokens = {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly idToken: string | undefined
  /**
   * When to get the next token, in milliseconds since 1970: a minute before the end, or a third of the lifetime if that
   * is less.
   */
  readonly renewAt: number
  /** When the access token ends, in milliseconds since 1970. */
  readonly expiresAt: number
}

/** The person has to sign in again: there is no refresh token, or the provider no longer accepts it. */
export class SignedOutError extends Error {
  override readonly name = 'SignedOutError'
}

// #region sign-in
/** Signs a person in by the authorization code flow with PKCE. There is no secret, so this may run in a page. */
export function createSignIn({ issuer, clientId, redirectUri, audience }: Registration) {
  const client: oauth.Client = { client_id: clientId }
  // The library refuses addresses without TLS. A provider on this machine may have one.
  const isLocal = ['localhost', '127.0.0.1'].includes(new URL(issuer).hostname)
  const options = { [oauth.allowInsecureRequests]: isLocal }
  // RFC 8707. Providers without it have their own way: Auth0 the parameter `audience`, Microsoft Entra ID a scope.
  const resource: Record<string, string> = URL.canParse(audience) ? { resource: audience } : {}

  let discovered: Promise<oauth.AuthorizationServer> | undefined
  const provider = (): Promise<oauth.AuthorizationServer> => {
    discovered ??= oauth
      .discoveryRequest(new URL(issuer), options)
      .then((response) => oauth.processDiscoveryResponse(new URL(issuer), response))
      .catch((error: unknown) => {
        discovered = undefined
        throw error
      })
    return discovered
  }

  return {
    /** The address that the browser has to open, and what to keep until it returns. */
    async begin(): Promise<{ readonly address: string; readonly attempt: Attempt }> {
      const attempt = {
        verifier: oauth.generateRandomCodeVerifier(),
        state: oauth.generateRandomState(),
        nonce: oauth.generateRandomNonce(),
      }
      const { authorization_endpoint: endpoint } = await provider()
      if (endpoint === undefined) throw new Error(`${issuer} has no address to sign in at.`)
      const address = new URL(endpoint)
      const parameters = {
        client_id: clientId,
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: 'openid profile offline_access',
        ...resource,
        code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier),
        code_challenge_method: 'S256',
        state: attempt.state,
        nonce: attempt.nonce,
      }
      for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value)
      return { address: address.href, attempt }
    },

    /** The tokens, when the browser has returned to `callback`. */
    async finish(callback: URL, { verifier, state, nonce }: Attempt): Promise<Tokens> {
      const server = await provider()
      const code = oauth.validateAuthResponse(server, client, callback, state)
      const response = await oauth.authorizationCodeGrantRequest(
        server,
        client,
        oauth.None(),
        code,
        redirectUri,
        verifier,
        { ...options, additionalParameters: resource },
      )
      const expected = { expectedNonce: nonce, requireIdToken: true }
      return tokensIn(await oauth.processAuthorizationCodeResponse(server, client, response, expected))
    },

    /** The next tokens. SignedOutError when the person has to sign in again; any other error may pass. */
    async renew({ refreshToken, idToken }: Tokens): Promise<Tokens> {
      if (refreshToken === undefined) throw new SignedOutError('The provider gave no refresh token. Sign in again.')
      const server = await provider()
      const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refreshToken, {
        ...options,
        additionalParameters: resource,
      })
      try {
        const next = tokensIn(await oauth.processRefreshTokenResponse(server, client, response))
        // Providers that do not rotate these send neither again.
        return { ...next, refreshToken: next.refreshToken ?? refreshToken, idToken: next.idToken ?? idToken }
      } catch (error) {
        if (!(error instanceof oauth.ResponseBodyError) || error.error !== 'invalid_grant') throw error
        throw new SignedOutError('Your session at the provider has ended. Sign in again.', { cause: error })
      }
    },

    /** The address at which the provider ends its own session too; undefined if it has none. */
    async signOutAddress({ idToken }: Tokens, returnTo: string): Promise<string | undefined> {
      const { end_session_endpoint: endpoint } = await provider()
      if (endpoint === undefined) return undefined
      const address = new URL(endpoint)
      if (idToken !== undefined) address.searchParams.set('id_token_hint', idToken)
      address.searchParams.set('client_id', clientId)
      address.searchParams.set('post_logout_redirect_uri', returnTo)
      return address.href
    },
  }
}

function tokensIn(response: oauth.TokenEndpointResponse): Tokens {
  const lifetime = 1_000 * (response.expires_in ?? 300)
  const expiresAt = Date.now() + lifetime
  return {
    accessToken: response.access_token,
    refreshToken: response.refresh_token,
    idToken: response.id_token,
    renewAt: expiresAt - Math.min(60_000, lifetime / 3),
    expiresAt,
  }
}
// #endregion
