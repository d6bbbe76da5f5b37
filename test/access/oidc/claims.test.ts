import { expect, test } from 'vitest'
import { identify, rolesAt } from '../../../src/access/oidc/claims.ts'

const url = 'https://example.com/roles'

test.each<[string, Record<string, unknown>, string, readonly string[]]>([
  ['a list', { roles: ['a', 'b'] }, 'roles', ['a', 'b']],
  ['a text with spaces between', { roles: ' a  b ' }, 'roles', ['a', 'b']],
  ['one text', { roles: 'a' }, 'roles', ['a']],
  ['a name twice', { roles: ['a', 'a'] }, 'roles', ['a']],
  ['members that are no texts', { roles: ['a', 1, null, { a: 1 }, ''] }, 'roles', ['a']],
  ['a member of a member', { realm_access: { roles: ['a'] } }, 'realm_access.roles', ['a']],
  ['a claim with an address as its name', { [url]: ['a'] }, url, ['a']],
  ['a claim with a dot in its name', { 'a.b': ['x'] }, 'a.b', ['x']],
  ['a name with a dot below another', { a: { 'b.c': ['x'] } }, 'a.b\\.c', ['x']],
  ['nothing there', {}, 'roles', []],
  ['nothing below', { realm_access: 'text' }, 'realm_access.roles', []],
  ['null', { roles: null }, 'roles', []],
  ['an object', { roles: { a: true } }, 'roles', []],
  ['what every object has', {}, 'constructor.name', []],
])('the roles of a token: %s', (_case, claims, path, roles) => {
  expect(rolesAt(claims, path)).toEqual(roles)
})

test('a token may have a thousand roles', () => {
  const roles = Array.from({ length: 1_000 }, (_, index) => `role-${index}`)
  expect(rolesAt({ roles }, 'roles')).toEqual(roles)
})

const person = { iss: 'https://issuer.example', sub: 'u1' }

test.each<[string, Record<string, unknown>, string]>([
  ['name', { name: 'Anna', preferred_username: 'anna', email: 'a@example.com' }, 'Anna'],
  ['preferred_username', { preferred_username: 'anna', email: 'a@example.com' }, 'anna'],
  ['email', { name: ' ', email: 'a@example.com' }, 'a@example.com'],
  ['sub', { name: 5 }, 'u1'],
  ['no control characters', { name: 'An\u0000n\u001b[31ma\u202e\n' }, 'Ann[31ma'],
  ['at most 200 characters', { name: '😀'.repeat(300) }, '😀'.repeat(200)],
])('the name of a person: %s', (_case, claims, name) => {
  expect(identify({ ...person, ...claims }, 'roles')).toEqual({
    issuer: 'https://issuer.example',
    subject: 'u1',
    name,
    roles: [],
  })
})

test.each<[string, unknown]>([
  ['missing', undefined],
  ['empty', ''],
  ['a number', 7],
  ['too long', 'x'.repeat(256)],
  ['with a line break', 'a\nb'],
])('a subject that identifies nobody is refused: %s', (_case, sub) => {
  expect(() => identify({ ...person, sub }, 'roles')).toThrow('The claim sub must be a text of 1 to 255 characters')
})
