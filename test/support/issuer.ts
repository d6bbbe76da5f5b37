import * as http from 'node:http'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import Provider from 'oidc-provider'
import { openPort } from '../../src/open-port.ts'

/** Who may sign in, each with its claims. */
export type Accounts = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** A key of the issuer: its private part signs, the public one is published. */
export type SigningKey = {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

/** An OpenID provider on this machine. */
export type Issuer = {
  readonly url: string
  readonly audience: string
  /** The key that signs the tokens of `mint`. */
  readonly key: () => SigningKey
  /** A signed token that the issuer did not give out; undefined removes a claim or a member of the header. */
  mint(
    claims?: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
    key?: SigningKey,
  ): Promise<string>
  /** An access token that the provider gives to a client of its own. */
  clientToken(): Promise<string>
  /** Makes a new key, which replaces the others. */
  rotate(alg?: string): Promise<SigningKey>
  /** Publishes these keys only; `mint` signs with the first. */
  publish(keys: readonly SigningKey[]): Promise<void>
  /** Makes another account sign in at once from now on. */
  signInAs(account: string): void
  /** Replaces the answers of the issuer, until it is called with undefined. */
  answer(handle: ((request: http.IncomingMessage, response: http.ServerResponse) => void) | undefined): void
  /** Paths that were requested. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

let keysMade = 0

/** A key pair, and its public part as the provider publishes it. */
export async function makeSigningKey(alg = 'RS256', kid = `key-${++keysMade}`): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, ...(alg === 'EdDSA' && { crv: 'Ed25519' }) })
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(privateKey)), alg, kid, use: 'sig' } }
}

/**
 * Opens a provider whose accounts sign in at once: the account is the `login_hint` of the request, or else that of
 * `signInAs`, at the beginning the first. A person may come back to `redirectUris` and `postLogoutRedirectUris` at any
 * port. Its access tokens are JWTs for `audience`; those of `clientToken` have `clientClaims`. `path` is that of the
 * issuer's address. A new key signs unless one is given.
 */
export async function openIssuer({
  audience = 'https://hub.example.test',
  accounts = { anna: { name: 'Anna', roles: ['operator'] } },
  redirectUris = ['http://127.0.0.1/signed-in'],
  postLogoutRedirectUris = [],
  clientClaims = { roles: ['viewer'], name: 'A machine' },
  tokenSeconds = 600,
  port = 0,
  path = '',
  key,
}: {
  readonly audience?: string
  readonly accounts?: Accounts
  readonly redirectUris?: readonly string[]
  readonly postLogoutRedirectUris?: readonly string[]
  readonly clientClaims?: Readonly<Record<string, unknown>>
  readonly tokenSeconds?: number
  readonly port?: number
  readonly path?: string
  readonly key?: SigningKey
} = {}): Promise<Issuer> {
  let keys: readonly SigningKey[] = [key ?? (await makeSigningKey())]
  let handle: http.RequestListener = () => {}
  let replaced: http.RequestListener | undefined
  const requests: string[] = []
  const server = http.createServer((request, response) => {
    requests.push(request.url ?? '')
    const baseUrl = path.replace(/\/$/, '')
    // The provider finds its own paths below `baseUrl`.
    if (request.url?.startsWith(baseUrl)) Object.assign(request, { baseUrl, url: request.url.slice(baseUrl.length) })
    if (replaced !== undefined) replaced(request, response)
    else handle(request, response)
  })
  const { port: opened } = await openPort(server, { variable: 'HTTP_PORT', host: '127.0.0.1', port })
  const url = `http://127.0.0.1:${opened}${path}`
  let [account = 'anna'] = Object.keys(accounts)

  const provide = (): void => {
    const provider = new Provider(url, {
      jwks: { keys: keys.map(({ jwk }) => ({ ...jwk })) },
      clients: [
        {
          client_id: 'page',
          token_endpoint_auth_method: 'none',
          redirect_uris: [...redirectUris],
          post_logout_redirect_uris: [...postLogoutRedirectUris],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          application_type: 'native',
        },
        {
          client_id: 'machine',
          client_secret: 'a-secret-of-the-machine-for-tests',
          redirect_uris: [],
          response_types: [],
          grant_types: ['client_credentials'],
        },
      ],
      cookies: { keys: ['a key for the cookies of tests'] },
      scopes: ['openid', 'offline_access', 'profile', 'email'],
      claims: { openid: ['sub', 'roles'], profile: ['name'], email: ['email'] },
      clientBasedCORS: () => true,
      findAccount: (_context, id) => ({
        accountId: id,
        claims: () => ({ sub: id, ...accounts[id] }),
      }),
      extraTokenClaims: (_context, token) => ({
        ...('accountId' in token && typeof token.accountId === 'string' ? accounts[token.accountId] : {}),
        ...(!('accountId' in token) && clientClaims),
      }),
      issueRefreshToken: () => true,
      rotateRefreshToken: true,
      ttl: { AccessToken: tokenSeconds, ClientCredentials: tokenSeconds, IdToken: tokenSeconds, Session: 3600 },
      interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => audience,
          useGrantedResource: () => true,
          getResourceServerInfo: () => ({
            scope: 'openid profile email',
            audience,
            accessTokenTTL: tokenSeconds,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: keys[0]?.alg === 'ES256' ? 'ES256' : 'RS256' } },
          }),
        },
      },
      async loadExistingGrant(context) {
        const { client, session } = context.oidc
        if (client === undefined || session?.accountId === undefined) return undefined
        // Another grant for the same person would end the first, and with it the sign-ins of other tabs.
        const known = session.grantIdFor(client.clientId)
        const kept = known === undefined ? undefined : await provider.Grant.find(known)
        if (kept?.accountId === session.accountId) return kept
        const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
        grant.addOIDCScope('openid profile email offline_access')
        grant.addOIDCClaims(['sub', 'roles', 'name', 'email'])
        grant.addResourceScope(audience, 'openid profile email')
        await grant.save()
        return grant
      },
    })
    const answer = provider.callback()
    const signIn = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
      const { params, prompt } = await provider.interactionDetails(request, response)
      const hint = params.login_hint
      const accountId = typeof hint === 'string' && hint in accounts ? hint : account
      // Programs on a machine (native) are asked for consent each time.
      const result = prompt.name === 'consent' ? { consent: {} } : { login: { accountId } }
      await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })
    }
    handle = (request, response) => {
      if (request.url?.startsWith('/interaction/') !== true) {
        void answer(request, response)
        return
      }
      signIn(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
    }
  }
  provide()

  const current = (): SigningKey => {
    const [key] = keys
    if (key === undefined) throw new Error('The issuer has no key.')
    return key
  }
  return {
    url,
    audience,
    key: current,
    requests,
    async mint(claims = {}, header = {}, key = current()) {
      const now = Math.floor(Date.now() / 1_000)
      const payload: JWTPayload = {
        iss: url,
        aud: audience,
        sub: 'anna',
        name: 'Anna',
        roles: ['operator'],
        iat: now,
        exp: now + tokenSeconds,
        ...claims,
      }
      return await new SignJWT(defined(payload))
        .setProtectedHeader({ alg: key.alg, ...defined({ kid: key.kid, ...header }) })
        .sign(key.privateKey)
    },
    async clientToken() {
      const response = await fetch(`${url.replace(/\/$/, '')}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa('machine:a-secret-of-the-machine-for-tests')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: audience }),
      })
      const { access_token: token } = await response.json()
      return String(token)
    },
    async rotate(alg = 'RS256') {
      const key = await makeSigningKey(alg)
      keys = [key]
      provide()
      return key
    },
    async publish(next) {
      if (next.length === keys.length && next.every((key, index) => key === keys[index])) return
      keys = next
      provide()
    },
    signInAs(next) {
      account = next
    },
    answer(next) {
      replaced = next
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const defined = (record: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
