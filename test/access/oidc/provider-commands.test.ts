import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { failurePause, refreshInterval } from '../../../src/access/oidc/kept-answer-commands.ts'
import { openSignIn } from '../../../src/access/oidc/provider-commands.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { type Issuer, openIssuer } from '../../support/issuer.ts'

let issuer: Issuer
let clock: TestClock
let opened: ReturnType<typeof openSignIn>
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
})
afterEach(() => opened?.close())

const open = () => {
  const more = [issuer.url, 'https://other.example']
  opened = openSignIn({ clock, log }, { issuers: more, audiences: ['hub'], clientId: 'page' })
  return opened
}
/** A discovery document with these members instead. */
const publish = (more: Readonly<Record<string, unknown>>): void => {
  const document = {
    issuer: issuer.url,
    authorization_endpoint: 'https://a.example/auth',
    token_endpoint: 'https://a.example/token',
    ...more,
  }
  issuer.answer((_request, response) => response.end(JSON.stringify(document)))
}

test('without a client there is no sign-in', () => {
  expect(openSignIn({ clock, log }, { issuers: [issuer.url], audiences: ['hub'], clientId: undefined })).toBe(undefined)
})

test('the provider is the first issuer, as its discovery document describes it', async () => {
  expect(await open()?.settings()).toEqual({
    issuer: issuer.url,
    clientId: 'page',
    audiences: ['hub'],
    provider: {
      issuer: issuer.url,
      authorization_endpoint: `${issuer.url}/auth`,
      token_endpoint: `${issuer.url}/token`,
      end_session_endpoint: `${issuer.url}/session/end`,
      authorization_response_iss_parameter_supported: true,
      id_token_signing_alg_values_supported: ['RS256'],
    },
  })
})

test('a provider need not say more than where it signs persons in', async () => {
  publish({})
  expect((await open()?.settings())?.provider).toEqual({
    issuer: issuer.url,
    authorization_endpoint: 'https://a.example/auth',
    token_endpoint: 'https://a.example/token',
    authorization_response_iss_parameter_supported: false,
    id_token_signing_alg_values_supported: ['RS256'],
  })
})

test.each([
  ['without a token endpoint', { token_endpoint: undefined }, /no token_endpoint/],
  ['whose pages have no TLS', { authorization_endpoint: 'http://a.example/auth' }, /no authorization_endpoint/],
  ['that would run a script', { end_session_endpoint: 'javascript:alert(1)' }, /no end_session_endpoint/],
])('a provider %s is not known, and the log says why', async (_case, more, reason) => {
  publish(more)
  expect((await open()?.settings())?.provider).toBe(undefined)
  expect(logged).toMatchObject([{ issuer: issuer.url, err: { message: expect.stringMatching(reason) } }])
})

test('a provider that is unreachable is in the log before anybody signs in', async () => {
  issuer.answer((request) => request.socket.destroy())
  open()
  await expect
    .poll(() => logged)
    .toMatchObject([{ msg: 'provider of sign-ins could not be asked', issuer: issuer.url }])
})

test('a provider that was unreachable is asked again, and is kept when it is unreachable later', async () => {
  issuer.answer((request) => request.socket.destroy())
  const signIn = open()
  expect((await signIn?.settings())?.provider).toBe(undefined)
  issuer.answer(undefined)
  clock.advance(failurePause)
  expect((await signIn?.settings())?.provider).toMatchObject({ token_endpoint: `${issuer.url}/token` })
  issuer.answer((request) => request.socket.destroy())
  clock.advance(refreshInterval)
  expect((await signIn?.settings())?.provider).toMatchObject({ token_endpoint: `${issuer.url}/token` })
  await expect.poll(() => logged).toHaveLength(2)
  expect((await signIn?.settings())?.provider).toMatchObject({ token_endpoint: `${issuer.url}/token` })
})
