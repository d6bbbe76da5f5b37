import * as oauth from 'oauth4webapi'
import { isFor, lifetimeOf } from './jwt.ts'
import type { SignInSettings } from './sign-in-settings.ts'

/** A sign-in under way, kept in the tab until the provider has led the browser back. */
export type PendingSignIn = {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  /** The page of the console that was asked for. */
  readonly to: string
}

/** What a sign-in gives. */
export type Tokens = {
  /** The token for the hub. */
  readonly bearer: string
  /** Gets the next ones; undefined when the provider does not allow that. */
  readonly refreshToken: string | undefined
  /** Seconds for which `bearer` is valid. */
  readonly seconds: number
}

/** A sign-in failed. The message is a sentence for people. */
export class SignInError extends Error {
  override readonly name = 'SignInError'
  /** Whether the provider did not answer, so that another attempt may succeed. */
  readonly isTemporary: boolean
  constructor(message: string, { isTemporary = false }: { readonly isTemporary?: boolean } = {}) {
    super(message)
    this.isTemporary = isTemporary
  }
}

/** Without this permission, most providers give no refresh token. Those that do not know it ignore it. */
const scope = 'openid profile email offline_access'

/** Seconds by which the clocks of this machine and of the provider may differ. */
const clockTolerance = 300

/** Seconds that a token is assumed to be valid if neither it nor the provider says so. */
const assumedLifetime = 300

/** Why persons cannot sign in from this page, whatever the provider answers. */
export function obstacle({ provider, issuer }: SignInSettings): string | undefined {
  if (!isSecureContext) {
    return `Signing in needs an encrypted connection to the hub. Open the console with https:// instead of ${location.origin}.`
  }
  return provider === undefined ? `The hub could not reach ${issuer}, where you sign in. Try again later.` : undefined
}

/** The address at the provider where a person signs in, and what to keep until it leads back to `redirectUri`. */
export async function beginSignIn(
  settings: SignInSettings,
  redirectUri: string,
  to: string,
): Promise<{ readonly address: string; readonly pending: PendingSignIn }> {
  const { authorization_endpoint: endpoint } = providerOf(settings)
  const pending: PendingSignIn = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
    to,
  }
  const address = new URL(endpoint ?? '')
  for (const [name, value] of Object.entries({
    response_type: 'code',
    client_id: settings.clientId,
    redirect_uri: redirectUri,
    scope,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
    ...resourceOf(settings),
  })) {
    address.searchParams.set(name, value)
  }
  return { address: address.href, pending }
}

/** Gets the tokens of a sign-in. `address` is the one that the provider has led back to. SignInError. */
export async function finishSignIn(
  settings: SignInSettings,
  redirectUri: string,
  pending: PendingSignIn,
  address: URL,
): Promise<Tokens> {
  return await translated(settings, async () => {
    const provider = providerOf(settings)
    const client = clientOf(settings)
    const parameters = oauth.validateAuthResponse(provider, client, address, pending.state)
    const response = await oauth.authorizationCodeGrantRequest(
      provider,
      client,
      oauth.None(),
      parameters,
      redirectUri,
      pending.verifier,
      { ...options(provider), additionalParameters: resourceOf(settings) },
    )
    const expected = { expectedNonce: pending.nonce, requireIdToken: true }
    return tokensIn(settings, await oauth.processAuthorizationCodeResponse(provider, client, response, expected))
  })
}

/** Gets new tokens. SignInError. */
export async function refreshTokens(settings: SignInSettings, refreshToken: string): Promise<Tokens> {
  return await translated(settings, async () => {
    const provider = providerOf(settings)
    const client = clientOf(settings)
    const response = await oauth.refreshTokenGrantRequest(provider, client, oauth.None(), refreshToken, {
      ...options(provider),
      additionalParameters: resourceOf(settings),
    })
    const tokens = tokensIn(settings, await oauth.processRefreshTokenResponse(provider, client, response))
    // A provider that does not replace the refresh token leaves it out.
    return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken }
  })
}

/** The address at the provider that ends the sign-in there, too, and leads back to `returnUri`. */
export function signOutAddress({ provider, clientId }: SignInSettings, returnUri: string): string | undefined {
  if (provider?.end_session_endpoint === undefined) return undefined
  const address = new URL(provider.end_session_endpoint)
  address.searchParams.set('client_id', clientId)
  address.searchParams.set('post_logout_redirect_uri', returnUri)
  return address.href
}

function providerOf({ provider, issuer }: SignInSettings): oauth.AuthorizationServer {
  if (provider === undefined)
    throw new SignInError(`${issuer} is not known yet. Reload the page.`, { isTemporary: true })
  return provider
}

const clientOf = ({ clientId }: SignInSettings): oauth.Client => ({
  client_id: clientId,
  [oauth.clockTolerance]: clockTolerance,
})

/** Only a provider on this machine may do without TLS; the hub names no other. */
const options = ({ token_endpoint: endpoint = '' }: oauth.AuthorizationServer) => ({
  [oauth.allowInsecureRequests]: endpoint.startsWith('http:'),
})

/**
 * Asks for a token for the hub (RFC 8707), where the name of the hub is an address. Providers that have other addresses
 * for their applications, such as `api://`, refuse this parameter.
 */
function resourceOf({ audiences }: SignInSettings): Record<string, string> {
  const resource = audiences.find((audience) => /^https?:[^#]+$/.test(audience))
  return resource === undefined ? {} : { resource }
}

/** The access token if it is for the hub. Otherwise it is for the provider, and the ID token names the person. */
function tokensIn({ audiences }: SignInSettings, tokens: oauth.TokenEndpointResponse): Tokens {
  const { access_token: accessToken, id_token: idToken, refresh_token: refreshToken, expires_in: expiresIn } = tokens
  if (isFor(accessToken, audiences)) {
    return { bearer: accessToken, refreshToken, seconds: lifetimeOf(accessToken) ?? expiresIn ?? assumedLifetime }
  }
  if (idToken === undefined) throw new SignInError('The provider gave no token that is for this hub.')
  return { bearer: idToken, refreshToken, seconds: lifetimeOf(idToken) ?? assumedLifetime }
}

/** Runs a step of a sign-in; what goes wrong becomes a sentence, in which no token can be. */
async function translated(settings: SignInSettings, step: () => Promise<Tokens>): Promise<Tokens> {
  try {
    return await step()
  } catch (error) {
    throw error instanceof SignInError ? error : new SignInError(...sentenceFor(error, settings.issuer))
  }
}

function sentenceFor(error: unknown, issuer: string): [string, { readonly isTemporary: boolean }?] {
  if (error instanceof oauth.AuthorizationResponseError) {
    return error.error === 'access_denied'
      ? ['You were not signed in: access was denied at the provider.']
      : [`The provider refused to sign you in: ${described(error)}`]
  }
  if (error instanceof oauth.ResponseBodyError) {
    return [`The provider refused to sign you in: ${described(error)}`, { isTemporary: error.status >= 500 }]
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError) {
    const [challenge] = error.cause
    const reason = challenge?.parameters.error ?? `status ${error.status}`
    return [`The provider does not accept the console as its client: ${reason}.`]
  }
  const code = error instanceof oauth.OperationProcessingError ? error.code : undefined
  if (code === oauth.JWT_TIMESTAMP_CHECK) {
    return [
      'The clock of this machine differs from that of the provider by more than five minutes. Set it, and sign in again.',
    ]
  }
  if (code === oauth.RESPONSE_IS_NOT_CONFORM || code === oauth.RESPONSE_IS_NOT_JSON) {
    return [`${issuer} did not answer as expected. Try again later.`, { isTemporary: true }]
  }
  if (code !== undefined) {
    return ['The answer of the provider does not belong to this sign-in. Sign in again.']
  }
  return [`${issuer} did not answer, or does not allow requests from ${location.origin}.`, { isTemporary: true }]
}

const described = ({
  error,
  error_description: description,
}: oauth.AuthorizationResponseError | oauth.ResponseBodyError) =>
  description === undefined ? `${error}.` : `${error} (${description}).`
