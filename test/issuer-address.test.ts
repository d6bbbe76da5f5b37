import { expect, test } from 'vitest'
import { isIssuerAddress, isProtectedAddress } from '../src/issuer-address.ts'

test.each([
  ['https://login.example', true],
  ['https://login.example/realms/fleet', true],
  ['http://localhost:8080/realms/fleet', true],
  ['http://127.0.0.1:5556', true],
  ['http://[::1]:5556', true],
  ['http://login.example', false],
  ['http://127.0.0.1.example', false],
  ['https://login.example?x=1', false],
  ['https://login.example#x', false],
  ['ftp://login.example', false],
  ['login.example', false],
  ['', false],
])('the keys of the issuer "%s" can be found by its name: %s', (issuer, isAddress) => {
  expect(isIssuerAddress(issuer)).toBe(isAddress)
})

test('an address with a query may have keys', () => {
  expect(isProtectedAddress('https://login.example/keys?version=2')).toBe(true)
})
