import { expect, test } from 'vitest'
import { denialOf, maySee } from '../../../src/console/hub/viewer.ts'

test('a denial names the roles of a person, or the policy', () => {
  const person = { kind: 'PERSON', name: 'Berta', roles: ['viewer', 'approver'] } as const
  expect(denialOf(person, 'WRITE_TWINS')).toBe('Your roles (viewer, approver) do not allow you to change twins.')
  const policy = { kind: 'POLICY', name: 'registryRead', roles: [] } as const
  expect(denialOf(policy, 'INVOKE_METHODS')).toBe('The policy “registryRead” does not allow you to call methods.')
})

test('there is something to see with one of the rights to read', () => {
  expect(maySee({ rights: ['READ_JOBS'] })).toBe(true)
  expect(maySee({ rights: ['WRITE_TWINS', 'READ_TWINS'] })).toBe(true)
  expect(maySee({ rights: ['READ_DEVICES'] })).toBe(true)
  expect(maySee({ rights: ['CONNECT_DEVICES'] })).toBe(false)
  expect(maySee({ rights: [] })).toBe(false)
})
