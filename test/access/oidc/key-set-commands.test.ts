import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { fetchTimeout, maxAnswerBytes } from '../../../src/access/oidc/discovery-commands.ts'
import { failurePause, lookPause, refreshInterval } from '../../../src/access/oidc/kept-answer-commands.ts'
import { createRemoteKeySet, type KeySet, openKeyFile, parseKeys } from '../../../src/access/oidc/key-set-commands.ts'
import { IssuerUnavailableError } from '../../../src/errors.ts'
import { lookInterval } from '../../../src/watched-file.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { type Issuer, makeSigningKey, openIssuer } from '../../support/issuer.ts'

let issuer: Issuer
let clock: TestClock
let keySet: KeySet
const logged: Record<string, unknown>[] = []
const log = pino({ level: 'warn' }, { write: (line: string) => logged.push(JSON.parse(line)) })

beforeAll(async () => {
  issuer = await openIssuer()
})
afterAll(() => issuer.close())
beforeEach(() => {
  issuer.answer(undefined)
  logged.length = 0
  clock = createTestClock()
  keySet = createRemoteKeySet({ clock, log }, issuer.url)
})
afterEach(() => keySet.close())

/** Answers the discovery document, and the keys with this text. */
const withKeys =
  (text: string): RequestListener =>
  (request, response) =>
    response.end(
      request.url?.includes('well-known')
        ? JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` })
        : text,
    )

test.each<[string, RequestListener, RegExp]>([
  ['answers with an error', (_request, response) => response.writeHead(500).end(), /status 500/],
  ['answers garbage', (_request, response) => response.end('<html>'), /not JSON/],
  ['is another one', (_request, response) => response.end('{"issuer":"https://other.example"}'), /another issuer/],
  ['breaks the connection', (request) => request.socket.destroy(), /./],
  ['redirects', (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end(), /./],
])(
  'without keys, an issuer that %s is unavailable, and is asked again after a pause',
  async (_case, answer, reason) => {
    issuer.answer(answer)
    await expect(keySet.keys()).rejects.toThrow(IssuerUnavailableError)
    expect(logged).toMatchObject([
      { msg: 'keys of the issuer could not be fetched', err: { message: expect.stringMatching(reason) } },
    ])
    const { length } = issuer.requests
    await expect(keySet.keys()).rejects.toThrow(IssuerUnavailableError)
    expect(issuer.requests.length).toBe(length)
    issuer.answer(undefined)
    clock.advance(failurePause)
    expect(await keySet.keys()).toBeTypeOf('function')
  },
)

test.each([
  ['no JSON', '<html>', /not JSON/],
  ['no list', '{}', /not a key set/],
  ['an empty list', '{"keys":[]}', /no public key/],
  ['secrets only', '{"keys":[{"kty":"oct","k":"AAAA"}]}', /no public key/],
  ['keys for encryption only', '{"keys":[{"kty":"RSA","use":"enc","n":"AA","e":"AQAB"}]}', /no public key/],
  ['members that are no objects', '{"keys":[null,1,"x"]}', /no public key/],
  ['more than 1 MB', ' '.repeat(maxAnswerBytes + 1), /more than 1048576 bytes/],
])('keys stay in use when the issuer answers %s', async (_case, text, reason) => {
  const keys = await keySet.keys()
  issuer.answer(withKeys(text))
  clock.advance(lookPause)
  expect(await keySet.renewed()).toBe(keys)
  expect(logged).toMatchObject([{ err: { message: expect.stringMatching(reason) } }])
  expect(keySet.age()).toBe(lookPause / 1_000)
})

test('keys stay in use for as long as the issuer is unreachable', async () => {
  const keys = await keySet.keys()
  issuer.answer((request) => request.socket.destroy())
  for (let day = 0; day < 3; day++) {
    clock.advance(86_400_000)
    expect(await keySet.renewed()).toBe(keys)
    expect(await keySet.keys()).toBe(keys)
  }
  expect(keySet.age()).toBe(3 * 86_400)
})

test('keys that are in use are fetched again in the background, and stay the same when they are', async () => {
  const keys = await keySet.keys()
  clock.advance(refreshInterval)
  const { length } = issuer.requests
  expect(await keySet.keys()).toBe(keys)
  await keySet.renewed()
  expect(issuer.requests.length).toBe(length + 2)
  expect(keySet.age()).toBe(0)
  expect(await keySet.keys()).toBe(keys)
})

test('requests that need the keys at the same time share one look', async () => {
  const { length } = issuer.requests
  const all = await Promise.all(Array.from({ length: 20 }, () => keySet.keys()))
  expect(new Set(all).size).toBe(1)
  expect(issuer.requests.length).toBe(length + 2)
})

test('an issuer that does not answer is given up after 5 seconds', async () => {
  let asked: () => void = () => {}
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve
  })
  issuer.answer(() => asked())
  const keys = keySet.keys()
  await isAsked
  clock.advance(fetchTimeout)
  await expect(keys).rejects.toThrow(IssuerUnavailableError)
  expect(logged).toMatchObject([{ err: { message: 'The issuer did not answer in time.' } }])
})

test('an address of keys that anybody on the way could change is not used', async () => {
  issuer.answer((_request, response) =>
    response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: 'http://keys.example/jwks' })),
  )
  await expect(keySet.keys()).rejects.toThrow(IssuerUnavailableError)
  expect(logged).toMatchObject([{ err: { message: 'The address must begin with https:, except on this machine.' } }])
})

test('a file of keys is read again when it changes, and keeps its keys when it breaks', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keys-'))
  const path = join(folder, 'jwks.json')
  const textOf = async (): Promise<string> => JSON.stringify({ keys: [publicPart((await makeSigningKey()).jwk)] })
  try {
    await expect(openKeyFile({ clock, log }, path)).rejects.toThrow(`OIDC_JWKS_FILE is ${path}, which cannot be used`)
    await writeFile(path, await textOf())
    const file = await openKeyFile({ clock, log }, path)
    const keys = await file.keys()
    await writeFile(path, '{}')
    while (logged.length === 0) await step(clock)
    expect(logged).toMatchObject([{ err: { message: 'It is not a key set: it has no list "keys".' } }])
    expect(await file.keys()).toBe(keys)
    await writeFile(path, await textOf())
    while ((await file.keys()) === keys) await step(clock)
    file.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

/** Moves the clock to the next look at a file, and lets the look happen. */
async function step(clock: TestClock): Promise<void> {
  clock.advance(lookInterval)
  await clock.giveWay()
}

const publicPart = ({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk }: Record<string, unknown>) => jwk

test('the private part of a published key is not used', async () => {
  const { jwk } = await makeSigningKey()
  expect(() => parseKeys(JSON.stringify({ keys: [jwk] }))).toThrow('The key set has no public key for signatures.')
})
