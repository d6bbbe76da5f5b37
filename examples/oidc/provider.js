import { once } from 'node:events'
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

/** The persons of the example. Their roles are in their tokens. */
const persons = {
  anna: { name: 'Anna', roles: ['operator'] },
  berta: { name: 'Berta', roles: ['north-viewer'] },
}

/**
 * Starts an OpenID provider on a free port of this machine. Whoever opens its sign-in page chooses one of the persons,
 * without a password: this is an example. `redirectUris` are the addresses to which it sends browsers back.
 */
export async function startProvider({ audience, clientId, redirectUris, tokenSeconds }) {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const issuer = `http://127.0.0.1:${server.address().port}`
  const scope = 'openid profile offline_access'
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        // A page cannot keep a secret. PKCE takes its place.
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: redirectUris,
        post_logout_redirect_uris: redirectUris,
        // Lets an example have addresses without TLS.
        application_type: 'native',
      },
    ],
    scopes: ['openid', 'profile', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name'] },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, name: persons[id]?.name }) }),
    // The hub reads these claims of the access token.
    extraTokenClaims: (_context, { accountId }) => persons[accountId],
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    // Pages of other origins ask for tokens.
    clientBasedCORS: () => true,
    ttl: { AccessToken: tokenSeconds, IdToken: tokenSeconds, Session: 3600, Interaction: 600, Grant: 3600 },
    cookies: { keys: [crypto.randomUUID()] },
    interactions: { url: (_context, { uid }) => `/sign-in/${uid}` },
    features: {
      devInteractions: { enabled: false },
      // An access token for the hub is a JWT with the hub's audience, not an opaque text.
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope, audience, accessTokenTTL: tokenSeconds, accessTokenFormat: 'jwt' }),
      },
    },
    async loadExistingGrant({ oidc: { client, session } }) {
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope(scope)
      grant.addResourceScope(audience, scope)
      await grant.save()
      return grant
    },
  })

  /** Shows the persons, and signs in the chosen one. */
  const signIn = async (request, response) => {
    const { prompt, uid } = await provider.interactionDetails(request, response)
    const chosen = new URL(request.url, issuer).searchParams.get('person')
    if (prompt.name === 'consent') {
      await provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true })
    } else if (chosen !== null && Object.hasOwn(persons, chosen)) {
      await provider.interactionFinished(request, response, { login: { accountId: chosen } })
    } else {
      response.setHeader('content-type', 'text/html; charset=utf-8').end(signInPage(uid))
    }
  }
  const answer = provider.callback()
  server.on('request', (request, response) => {
    if (!request.url.startsWith('/sign-in/')) answer(request, response)
    else signIn(request, response).catch((error) => response.writeHead(400).end(error.message))
  })
  return {
    issuer,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const signInPage = (uid) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>Sign in</title>
<style>:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif } body { margin: 2rem auto; max-width: 24rem }</style>
<h1>Sign in</h1>
<form action="/sign-in/${uid}">
${Object.entries(persons)
  .map(([id, { name, roles }]) => `<p><button name="person" value="${id}">${name} (${roles})</button>`)
  .join('\n')}
</form>
</html>`
