import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createVerifyBearer } from '../../../src/access/oidc/bearer-commands.ts'
import { createRemoteKeySet } from '../../../src/access/oidc/key-set-commands.ts'
import { systemClock } from '../../../src/clock.ts'
import { makeSigningKey, openIssuer } from '../../support/issuer.ts'

/** Tokens as providers shape them: the path of the issuer, the audience, and the claims. */
type Shape = {
  readonly path: string
  readonly audience: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly rolesPath: string
  /** Expected. */
  readonly person: { readonly name: string; readonly roles: readonly string[] }
}

const keycloak = {
  path: '/realms/plant',
  audience: 'https://hub.example.test',
  claims: {
    azp: 'console',
    preferred_username: 'anna',
    realm_access: { roles: ['offline_access', 'operator'] },
    resource_access: { 'hub.example': { roles: ['viewer'] }, account: { roles: ['manage-account'] } },
  },
} as const
const entra = { oid: 'b6f7', tid: '72f9', azp: '5a1c', azpacr: '0', scp: 'access', ver: '2.0' }
const auth0 = { path: '/', audience: 'https://hub.example.test' }
const namespaced = 'https://hub.example/roles'

/** One for all: making it takes longer than the tests. */
const key = makeSigningKey()

test.each<[string, Shape]>([
  [
    'Keycloak, roles of the realm',
    { ...keycloak, rolesPath: 'realm_access.roles', person: { name: 'anna', roles: ['offline_access', 'operator'] } },
  ],
  [
    'Keycloak, roles of a client with a dot in its name',
    { ...keycloak, rolesPath: 'resource_access.hub\\.example.roles', person: { name: 'anna', roles: ['viewer'] } },
  ],
  [
    'Entra ID, version 2',
    {
      path: '/72f9/v2.0',
      audience: 'urn:5a1c-4f0e',
      claims: { ...entra, name: 'Anna', roles: ['operator'] },
      rolesPath: 'roles',
      person: { name: 'Anna', roles: ['operator'] },
    },
  ],
  [
    'Entra ID, version 1, groups',
    {
      path: '/72f9/',
      audience: 'api://5a1c-4f0e',
      claims: { ...entra, ver: '1.0', appid: '5a1c', name: 'Anna', groups: ['0f3a-77', '9c1d-12'] },
      rolesPath: 'groups',
      person: { name: 'Anna', roles: ['0f3a-77', '9c1d-12'] },
    },
  ],
  [
    'Auth0, a claim that an action adds',
    {
      ...auth0,
      claims: { azp: 'console', scope: 'openid profile', [namespaced]: ['operator'] },
      rolesPath: namespaced,
      person: { name: 'machine', roles: ['operator'] },
    },
  ],
  [
    'Auth0, a member of such a claim',
    {
      ...auth0,
      claims: { 'https://hub.example/app': { roles: ['viewer'] }, email: 'anna@hub.example' },
      rolesPath: 'https://hub\\.example/app.roles',
      person: { name: 'anna@hub.example', roles: ['viewer'] },
    },
  ],
])('a token shaped like those of %s identifies a person and its roles', async (_name, shape) => {
  const { path, audience, claims, rolesPath, person } = shape
  const issuer = await openIssuer({ path, audience, clientClaims: claims, key: await key })
  const keySet = createRemoteKeySet({ clock: systemClock, log: pino({ level: 'silent' }) }, issuer.url)
  try {
    const issuers = new Map([[issuer.url, keySet]])
    const verify = createVerifyBearer({ clock: systemClock }, { issuers, audiences: [audience], rolesPath })
    expect(await verify(await issuer.clientToken())).toMatchObject({
      issuer: issuer.url,
      subject: 'machine',
      ...person,
    })
  } finally {
    keySet.close()
    await issuer.close()
  }
})
