import { describe, expect, test } from 'vitest'
import type { Right } from '../../src/access/rights.ts'
import { coversAuthority, personViewer, policyViewer } from '../../src/access/viewer.ts'
import { scopeOf } from '../../src/query/scope.ts'
import { everything, type Scope } from '../../src/scope.ts'

const expiry = 1_800_000_000
const anna = { issuer: 'https://issuer.example', subject: '17', name: 'Anna' }
const north = scopeOf(["tags.site = 'north'"])

const person = (
  rights: readonly Right[],
  scope: Scope = everything,
  { who = anna, names = ['operator'] }: { who?: typeof anna; names?: readonly string[] } = {},
) => personViewer(who, { names, rights: new Set(rights), scope }, expiry)

test('a policy is named by its name and sees every device', () => {
  const viewer = policyViewer({ name: 'service', rights: new Set(['serviceConnect']) }, expiry)
  expect(viewer).toMatchObject({
    kind: 'policy',
    id: 'policy:service',
    name: 'service',
    issuer: null,
    subject: 'service',
    roles: [],
    expiry,
    tolerance: 300,
  })
  expect(viewer.scope).toBe(everything)
  expect([...viewer.rights]).toEqual(['readTwins', 'writeTwins', 'invokeMethods', 'readJobs', 'writeJobs'])
})

test('a policy whose rights have changed has other rights', () => {
  const before = policyViewer({ name: 'reporting', rights: new Set(['registryRead']) })
  const now = policyViewer({ name: 'reporting', rights: new Set(['deviceConnect']) })
  expect([...before.rights]).toEqual(['readDevices', 'readKeys', 'readJobs'])
  expect([...now.rights]).toEqual(['connectDevices'])
})

test('a client without a token is not taken for the policy whose rights it has', () => {
  const policy = { name: 'iothubowner', rights: new Set(['deviceConnect'] as const) }
  expect(policyViewer(policy, undefined, 'anonymous')).toMatchObject({ kind: 'anonymous', id: 'anonymous:iothubowner' })
})

test('a person is named by issuer and subject together', () => {
  expect(person(['readJobs'], north)).toMatchObject({
    kind: 'person',
    id: 'https://issuer.example|17',
    name: 'Anna',
    issuer: 'https://issuer.example',
    subject: '17',
    roles: ['operator'],
    scope: north,
    expiry,
    tolerance: 60,
  })
})

test('a person without known roles keeps the reason', () => {
  const roles = { names: [], rights: new Set<Right>(), scope: everything, lack: 'The hub knows none of your roles.' }
  expect(personViewer(anna, roles, expiry).lack).toBe(roles.lack)
})

describe('the authority', () => {
  const { authority } = person(['readJobs', 'readTwins'], north)

  test('is equal for two persons with the same roles, rights and scope', () => {
    const berta = { ...anna, subject: '18', name: 'Berta' }
    expect(person(['readTwins', 'readJobs'], north, { who: berta }).authority).toBe(authority)
  })

  test.each([
    ['other rights', person(['readJobs'], north)],
    ['another scope', person(['readJobs', 'readTwins'], scopeOf(["tags.site = 'south'"]))],
    ['no scope', person(['readJobs', 'readTwins'])],
    ['an empty scope', person(['readJobs', 'readTwins'], scopeOf([]))],
    // Errors name the roles, and the name of a policy.
    ['roles of other names', person(['readJobs', 'readTwins'], north, { names: ['watcher'] })],
  ])('differs for %s', (_what, other) => {
    expect(other.authority).not.toBe(authority)
  })

  test('differs for two policies with the same rights', () => {
    const rights = new Set(['serviceConnect'] as const)
    const authorityOf = (name: string) => policyViewer({ name, rights }).authority
    expect(authorityOf('one')).not.toBe(authorityOf('two'))
  })
})

describe('an authority covers another', () => {
  const before = person(['readJobs', 'readTwins'], north)

  test.each([
    ['with the same rights and scope', person(['readTwins', 'readJobs'], north), true],
    ['with more rights', person(['readJobs', 'readTwins', 'writeJobs'], north), true],
    ['with every device', person(['readJobs', 'readTwins']), true],
    [
      'with a further part of the scope',
      person(['readJobs', 'readTwins'], scopeOf(['a = 1', "tags.site = 'north'"])),
      true,
    ],
    ['with a right less', person(['readJobs', 'writeJobs'], north), false],
    ['with another scope', person(['readJobs', 'readTwins'], scopeOf(["tags.site = 'south'"])), false],
    ['with no device', person(['readJobs', 'readTwins'], scopeOf([])), false],
  ])('%s: %#', (_what, now, covers) => {
    expect(coversAuthority(now, before)).toBe(covers)
  })
})

test('an expiry that no date can show becomes the last one that can be shown', () => {
  const expiries = [
    policyViewer({ name: 'p', rights: new Set() }, 1e15).expiry,
    personViewer(
      { issuer: 'i', subject: 's', name: 'n' },
      { names: [], rights: new Set(), scope: everything },
      Number.MAX_VALUE,
    ).expiry,
  ]
  expect(expiries.map((expiry = 0) => new Date(expiry * 1_000).toISOString())).toEqual(
    Array(2).fill('9999-12-31T23:59:59.000Z'),
  )
})
