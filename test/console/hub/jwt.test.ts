import { expect, test } from 'vitest'
import { claimsOf, isFor, lifetimeOf } from '../../../src/console/hub/jwt.ts'

const jwt = (claims: unknown): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`

test('the claims of a token are read, whatever its characters', () => {
  const claims = { name: 'Åsa ÿþ~~??>>', roles: ['operator'] }
  expect(claimsOf(jwt(claims))).toEqual(claims)
})

test.each(['', 'opaque', 'a.b', 'a.b.c.d.e', 'e30.!.c2ln', 'e30.e30', jwt('text'), jwt(null)])(
  '%j has no claims',
  (text) => {
    expect(claimsOf(text)).toBe(undefined)
    expect(isFor(text, ['hub'])).toBe(false)
    expect(lifetimeOf(text)).toBe(undefined)
  },
)

test('a token is for the hub if one of its audiences is the hub’s', () => {
  expect(isFor(jwt({ aud: 'hub' }), ['https://hub.example', 'hub'])).toBe(true)
  expect(isFor(jwt({ aud: ['other', 'hub'] }), ['hub'])).toBe(true)
  expect(isFor(jwt({ aud: 'hub' }), ['hu'])).toBe(false)
  expect(isFor(jwt({ aud: 7 }), ['7'])).toBe(false)
  expect(isFor(jwt({}), ['undefined'])).toBe(false)
})

test('its lifetime does not depend on any clock', () => {
  expect(lifetimeOf(jwt({ iat: 1000, exp: 1020 }))).toBe(20)
  expect(lifetimeOf(jwt({ exp: 1020 }))).toBe(undefined)
  expect(lifetimeOf(jwt({ iat: 1020, exp: 1020 }))).toBe(undefined)
})
