import { createPublicKey } from 'node:crypto'
import { CompactEncrypt, exportSPKI, importJWK, SignJWT } from 'jose'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createVerifyBearer, maxTokenLength, type VerifyBearer } from '../../../src/access/oidc/bearer-commands.ts'
import { BearerError } from '../../../src/access/oidc/bearer-fault.ts'
import { lookPause } from '../../../src/access/oidc/kept-answer-commands.ts'
import { createRemoteKeySet, type KeySet } from '../../../src/access/oidc/key-set-commands.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { type Issuer, makeSigningKey, openIssuer, type SigningKey } from '../../support/issuer.ts'

let issuer: Issuer
let first: SigningKey
let keySet: KeySet
let clock: TestClock
let verify: VerifyBearer
let checks: number
const log = pino({ level: 'silent' })

beforeAll(async () => {
  issuer = await openIssuer()
  first = issuer.key()
})
afterAll(() => issuer.close())

beforeEach(async () => {
  await issuer.publish([first])
  clock = createTestClock(new Date(Math.floor(Date.now() / 1_000) * 1_000))
  checks = 0
  keySet = createRemoteKeySet({ clock, log }, issuer.url)
  verify = createVerifyBearer(
    { clock },
    {
      issuers: new Map([[issuer.url, keySet]]),
      audiences: [issuer.audience, 'another audience'],
      rolesPath: 'roles',
      onCheck: () => checks++,
    },
  )
})
afterEach(() => keySet.close())

/** The fault for which a token is refused; `accepted` when it is not. */
async function faultOf(token: string): Promise<string> {
  try {
    await verify(token)
    return 'accepted'
  } catch (error) {
    if (error instanceof BearerError) return error.fault
    throw error
  }
}

const now = (): number => clock.now().getTime() / 1_000
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a token that the provider itself gave out identifies its client', async () => {
  expect(await verify(await issuer.clientToken())).toMatchObject({
    issuer: issuer.url,
    subject: 'machine',
    name: 'A machine',
    roles: ['viewer'],
  })
})

test.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('a token that is signed by %s is accepted', async (alg) => {
  await issuer.publish([await makeSigningKey(alg)])
  const expiry = now() + 100
  expect(await verify(await issuer.mint({ exp: expiry }))).toEqual({
    issuer: issuer.url,
    subject: 'anna',
    name: 'Anna',
    roles: ['operator'],
    expiry,
  })
})

test.each(['RS512', 'ES384', 'PS512'])('the algorithm %s is refused, although the key is published', async (alg) => {
  const key = await makeSigningKey(alg)
  await issuer.publish([first, key])
  expect(await faultOf(await issuer.mint({}, {}, key))).toBe('algorithm')
})

test('an unsigned token is refused', async () => {
  const claims = { iss: issuer.url, aud: issuer.audience, sub: 'anna', exp: now() + 100 }
  expect(await faultOf(`${encode({ alg: 'none' })}.${encode(claims)}.`)).toBe('algorithm')
  expect(await faultOf(`${encode({})}.${encode(claims)}.`)).toBe('algorithm')
})

test('a token that is signed with the public key as a shared secret is refused', async () => {
  const { d: _d, ...jwk } = first.jwk
  const imported = await importJWK(jwk, 'RS256', { extractable: true })
  if (!('type' in imported)) throw new Error('The key is no key.')
  const pem = await exportSPKI(imported)
  expect(createPublicKey(pem).asymmetricKeyType).toBe('rsa')
  const token = await new SignJWT({ iss: issuer.url, aud: issuer.audience, sub: 'anna', exp: now() + 100 })
    .setProtectedHeader({ alg: 'HS256', kid: first.kid })
    .sign(Buffer.from(pem))
  expect(await faultOf(token)).toBe('algorithm')
})

test.each<[string, Record<string, unknown>, string]>([
  ['an issuer that is unknown', { iss: 'https://other.example' }, 'issuer'],
  ['no issuer', { iss: undefined }, 'issuer'],
  ['an issuer that differs by a slash', { iss: 'SLASH' }, 'issuer'],
  ['another audience', { aud: 'https://other.example' }, 'audience'],
  ['other audiences', { aud: ['a', 'b'] }, 'audience'],
  ['no audience', { aud: undefined }, 'audience'],
  ['one of several audiences', { aud: ['a', 'another audience'] }, 'accepted'],
  ['no expiry', { exp: undefined }, 'subject'],
  ['an expiry that is a text', { exp: '2100' }, 'subject'],
  ['no subject', { sub: undefined }, 'subject'],
  ['an empty subject', { sub: '' }, 'subject'],
  ['a subject that is a list', { sub: ['anna'] }, 'subject'],
])('a token with %s', async (_case, claims, fault) => {
  const changed = claims.iss === 'SLASH' ? { iss: `${issuer.url}/` } : claims
  expect(await faultOf(await issuer.mint(changed))).toBe(fault)
})

test.each<[string, number, string]>([
  ['59 s after its expiry', -59, 'accepted'],
  ['60 s after its expiry', -60, 'expired'],
  ['61 s after its expiry', -61, 'expired'],
])('a token %s', async (_case, seconds, fault) => {
  expect(await faultOf(await issuer.mint({ exp: now() + seconds }))).toBe(fault)
})

test.each<[string, number, string]>([
  ['60 s before it is valid', 60, 'accepted'],
  ['61 s before it is valid', 61, 'not_yet_valid'],
])('a token %s', async (_case, seconds, fault) => {
  expect(await faultOf(await issuer.mint({ nbf: now() + seconds }))).toBe(fault)
})

test.each<[string, (token: string) => string, string]>([
  ['a changed signature', (token) => token.replace(/.(?=.{9}$)/, (last) => (last === 'A' ? 'B' : 'A')), 'signature'],
  [
    'a changed payload',
    (token) => {
      const [header, payload = '', signature] = token.split('.')
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
      return `${header}.${encode({ ...claims, roles: ['admin'] })}.${signature}`
    },
    'signature',
  ],
  ['no signature', (token) => token.replace(/[^.]*$/, ''), 'signature'],
  ['one dot', (token) => token.replace(/\.[^.]*$/, ''), 'malformed'],
  ['three dots', (token) => `${token}.`, 'malformed'],
  ['a payload that is no JSON', (token) => token.replace(/\.[^.]*\./, '.eA.'), 'malformed'],
  ['more than 16 KB', (token) => token + 'A'.repeat(maxTokenLength), 'malformed'],
  ['nothing', () => '', 'malformed'],
  ['something else', () => 'a.b.c', 'malformed'],
])('a token with %s is refused', async (_case, change, fault) => {
  expect(await faultOf(change(await issuer.mint()))).toBe(fault)
})

test.each<[string, Record<string, unknown>, string]>([
  ['an unknown key id', { kid: 'unknown' }, 'key'],
  ['no key id, and one key', { kid: undefined }, 'accepted'],
  ['an unknown critical extension', { crit: ['x'], x: 1 }, 'malformed'],
  ['the type of all JWTs', { typ: 'JWT' }, 'accepted'],
  ['the type of access tokens', { typ: 'at+jwt' }, 'accepted'],
  ['the type of access tokens as a media type', { typ: 'application/AT+JWT' }, 'accepted'],
  ['the type of tokens that sign persons out', { typ: 'logout+jwt' }, 'type'],
  ['the type of security events', { typ: 'secevent+jwt' }, 'type'],
  ['the type of answers about a token', { typ: 'token-introspection+jwt' }, 'type'],
  ['the type of proofs of possession', { typ: 'dpop+jwt' }, 'type'],
])('a token whose header has %s', async (_case, header, fault) => {
  const { alg, kid, privateKey } = first
  const token = await new SignJWT({ iss: issuer.url, aud: issuer.audience, sub: 'anna', exp: now() + 100 })
    .setProtectedHeader(JSON.parse(JSON.stringify({ alg, kid, ...header })))
    .sign(privateKey, { crit: { x: true } })
  expect(await faultOf(token)).toBe(fault)
})

test.each<[string, Record<string, unknown>]>([
  ['nothing else wrong', {}],
  ['another audience', { aud: 'https://other.example' }],
  ['another subject', { sub: 'unknown' }],
  ['other roles', { roles: ['unknown'] }],
  ['an expiry in the past', { exp: 1 }],
  ['a time before which it is not valid', { nbf: 4_102_444_800 }],
])(
  'a forged token shows nothing by its work or its answer: with %s it costs one check of a signature',
  async (_what, claims) => {
    const stranger = await makeSigningKey('RS256', first.kid)
    expect([await faultOf(await issuer.mint(claims, {}, stranger)), checks]).toEqual(['signature', 1])
  },
)

test.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
  ['issuer', { iss: 'https://other.example' }, {}, 'The issuer of the token is unknown to this hub.'],
  ['key', {}, { kid: 'unknown' }, 'The token is signed with a key that its issuer does not publish.'],
])(
  'that an %s is unknown is said in words, so the time without a check adds nothing',
  async (_what, claims, header, message) => {
    await expect(verify(await issuer.mint(claims, header))).rejects.toThrow(message)
  },
)

test('an unknown issuer costs no check of a signature and no request, and is named to the client as its own text', async () => {
  const before = issuer.requests.length
  const iss = `https://other.example/${'x'.repeat(300)}`
  const refusal = await verify(await issuer.mint({ iss })).catch((error: unknown) => error)
  expect(refusal).toMatchObject({ fault: 'issuer', missing: { issuer: iss.slice(0, 255) } })
  expect([checks, issuer.requests.length]).toEqual([0, before])
  const other = await verify(await issuer.mint({ iss: 5 })).catch((error: unknown) => error)
  expect(other).toMatchObject({ fault: 'issuer', missing: undefined })
})

test('a token whose header brings a key of its own is not verified by it', async () => {
  const stranger = await makeSigningKey('RS256', first.kid)
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk } = stranger.jwk
  expect(await faultOf(await issuer.mint({}, { jwk, jku: 'https://other.example/keys' }, stranger))).toBe('signature')
})

test('an encrypted token is refused', async () => {
  const token = await new CompactEncrypt(Buffer.from('{}'))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(Buffer.alloc(32))
  expect(await faultOf(token)).toBe('algorithm')
})

test('without a key id, each of several keys is tried, and a key of nobody is refused', async () => {
  const second = await makeSigningKey()
  await issuer.publish([first, second])
  expect(await faultOf(await issuer.mint({}, { kid: undefined }, second))).toBe('accepted')
  expect(await faultOf(await issuer.mint({}, { kid: undefined }, await makeSigningKey()))).toBe('signature')
})

test('an unknown issuer and an unaccepted algorithm are refused before anything is fetched', async () => {
  const { length } = issuer.requests
  await faultOf(await issuer.mint({ iss: 'https://other.example' }))
  await faultOf(await issuer.mint({}, {}, await makeSigningKey('RS512')))
  expect(issuer.requests.length).toBe(length)
})

test('a token that was verified costs no further check of a signature, until it expires', async () => {
  const token = await issuer.mint({ exp: now() + 100 })
  const person = await verify(token)
  for (let times = 0; times < 10; times++) expect(await verify(token)).toBe(person)
  expect(checks).toBe(1)
  clock.advance(159_000)
  expect(await faultOf(token)).toBe('accepted')
  clock.advance(1_000)
  expect(await faultOf(token)).toBe('expired')
})

test('a token that was verified vouches for no other: neither for one with its claims, nor for another person', async () => {
  const anna = await issuer.mint({ sub: 'anna', exp: now() + 100 })
  expect(await verify(anna)).toMatchObject({ subject: 'anna' })
  const [header, payload] = anna.split('.')
  const [, , signature] = (await issuer.mint({ sub: 'anna' }, {}, await makeSigningKey('RS256', first.kid))).split('.')
  expect(await faultOf(`${header}.${payload}.${signature}`)).toBe('signature')
  const berta = await issuer.mint({ sub: 'berta', exp: now() + 100 })
  const both = await Promise.all([verify(berta), verify(anna), verify(berta)])
  expect(both.map(({ subject }) => subject)).toEqual(['berta', 'anna', 'berta'])
})

test('what is remembered of tokens is limited: the oldest is forgotten', async () => {
  const padding = 'x'.repeat(11_000)
  const token = await issuer.mint()
  await verify(token)
  for (let number = 0; number < 290; number++) await verify(await issuer.mint({ jti: `${number}`, padding }))
  checks = 0
  await verify(token)
  expect(checks).toBe(1)
})

test('a key that replaces another is found when it is used, and tokens of the old one end with it', async () => {
  const old = await issuer.mint()
  expect(await faultOf(old)).toBe('accepted')
  await issuer.rotate()
  const renewed = await issuer.mint()
  // The keys have just been fetched.
  expect(await faultOf(renewed)).toBe('key')
  clock.advance(lookPause)
  expect(await faultOf(renewed)).toBe('accepted')
  expect(await faultOf(old)).toBe('key')
})

test('tokens without a known key let the hub look for it at most every 30 seconds', async () => {
  await faultOf(await issuer.mint())
  clock.advance(lookPause)
  const { length } = issuer.requests
  for (let times = 0; times < 5; times++) expect(await faultOf(await issuer.mint({}, { kid: 'no' }))).toBe('key')
  // The discovery document and the keys.
  expect(issuer.requests.length).toBe(length + 2)
})
