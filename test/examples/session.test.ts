import { expect, test } from 'vitest'
import { createSession } from '../../examples/clients/session.ts'
import { SignedOutError, type Tokens } from '../../examples/clients/sign-in.ts'

const first: Tokens = {
  accessToken: 'first',
  refreshToken: 'r1',
  idToken: undefined,
  renewAt: 0,
  expiresAt: Number.POSITIVE_INFINITY,
}
const later = { ...first, accessToken: 'later', refreshToken: 'r2', renewAt: Number.POSITIVE_INFINITY }

test('requests at the same time share one renewal, so that a refresh token is used once', async () => {
  const used: unknown[] = []
  const kept: Tokens[] = []
  const renew = async ({ refreshToken }: Tokens) => {
    used.push(refreshToken)
    return later
  }
  const session = createSession(first, renew, (tokens) => kept.push(tokens))
  expect(await Promise.all([session.authorization(), session.authorization()])).toEqual([
    'Bearer later',
    'Bearer later',
  ])
  expect(await session.authorization()).toBe('Bearer later')
  expect([used, kept]).toEqual([['r1'], [later]])
})

test('while the provider is unreachable, the token is used until it ends', async () => {
  let answer: () => Promise<Tokens> = () => Promise.reject(new TypeError('fetch failed'))
  const session = createSession(first, () => answer())
  expect(await session.authorization()).toBe('Bearer first')
  answer = () => Promise.resolve(later)
  expect(await session.authorization()).toBe('Bearer later')
  const ended = createSession({ ...first, expiresAt: 0 }, () => Promise.reject(new TypeError('fetch failed')))
  await expect(ended.authorization()).rejects.toThrow('fetch failed')
})

test('a person whom the provider has signed out is signed out at once', async () => {
  const session = createSession(first, () => Promise.reject(new SignedOutError('Sign in again.')))
  await expect(session.authorization()).rejects.toThrow(SignedOutError)
})
