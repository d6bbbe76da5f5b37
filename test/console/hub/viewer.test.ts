import { expect, test } from 'vitest'
import { auditDenialOf, denialOf, maySee } from '../../../src/console/hub/viewer.ts'

test('a denial names the roles of a person, or the policy', () => {
  const person = { kind: 'PERSON', name: 'Berta', roles: ['viewer', 'approver'] } as const
  expect(denialOf(person, 'WRITE_TWINS')).toBe('Your roles (viewer, approver) do not allow you to change twins.')
  const policy = { kind: 'POLICY', name: 'registryRead', roles: [] } as const
  expect(denialOf(policy, 'INVOKE_METHODS')).toBe('The policy “registryRead” does not allow you to call methods.')
})

test('there is something to see with one of the rights to read', () => {
  const maySeeWith = (...rights: Parameters<typeof maySee>[0]['rights']) => maySee({ rights, scope: null })
  expect(maySeeWith('READ_JOBS')).toBe(true)
  expect(maySeeWith('WRITE_TWINS', 'READ_TWINS')).toBe(true)
  expect(maySeeWith('READ_DEVICES')).toBe(true)
  expect(maySeeWith('AUDIT_READ')).toBe(true)
  expect(maySee({ rights: ['AUDIT_READ'], scope: "tags.site = 'north'" })).toBe(false)
  expect(maySeeWith('CONNECT_DEVICES')).toBe(false)
  expect(maySeeWith()).toBe(false)
})

test('the denial of the audit says which role or policy is missing, or that the scope is in the way', () => {
  const person = { kind: 'PERSON', name: 'Berta', roles: ['viewer'], rights: ['READ_JOBS'], scope: null } as const
  expect(auditDenialOf(person)).toBe(
    'Your roles (viewer) do not allow you to see who has changed what. The role admin does.',
  )
  expect(auditDenialOf({ ...person, kind: 'POLICY', name: 'registryRead' })).toBe(
    'The policy “registryRead” does not allow you to see who has changed what. The policy iothubowner does.',
  )
  const admin = { ...person, roles: ['admin'], rights: ['AUDIT_READ'] } as const
  expect(auditDenialOf(admin)).toBeUndefined()
  expect(auditDenialOf({ ...admin, scope: "tags.site = 'north'" })).toContain(
    "you only those that meet tags.site = 'north'.",
  )
})
