import { expect, test } from 'vitest'
import { builtInTable, type RoleTable, resolveRoles } from '../../src/access/roles.ts'
import { isEverything } from '../../src/scope.ts'

const table: RoleTable = new Map([
  ...builtInTable,
  ['north', { rights: new Set(['readDevices', 'writeTwins'] as const), condition: "tags.site = 'north'" }],
  ['south', { rights: new Set(['readTwins'] as const), condition: "tags.site = 'south'" }],
])

test('several roles grant all their rights on all their devices', () => {
  const { names, rights, scope, lack } = resolveRoles(table, ['south', 'unknown', 'north'], 'roles')
  expect(names).toEqual(['south', 'north'])
  expect([...rights]).toEqual(['readDevices', 'readTwins', 'writeTwins'])
  expect(scope.parts).toEqual(["tags.site = 'north'", "tags.site = 'south'"])
  expect(lack).toBeUndefined()
})

test('a role without a condition grants all devices, also with a role that has one', () => {
  expect(isEverything(resolveRoles(table, ['north', 'viewer'], 'roles').scope)).toBe(true)
})

test('a viewer reads, an operator also acts, an approver approves, and an admin does what is not for devices', () => {
  const rightsOf = (name: string) => [...resolveRoles(builtInTable, [name], 'roles').rights]
  expect(rightsOf('viewer')).toEqual(['readDevices', 'readTwins', 'readJobs'])
  expect(rightsOf('operator')).toEqual([
    'readDevices',
    'readTwins',
    'writeTwins',
    'invokeMethods',
    'readJobs',
    'writeJobs',
  ])
  expect(rightsOf('approver')).toEqual(['readDevices', 'readTwins', 'readJobs', 'approveJobs'])
  expect(rightsOf('admin')).not.toContain('connectDevices')
  expect(rightsOf('admin')).toHaveLength(11)
})

test.each([
  ['no roles', [], /^Your token has no roles at "realm_access.roles" \(OIDC_ROLES_PATH\)\.$/],
  ['unknown roles', ['boss', 'constructor'], /no role that this hub knows at "realm_access.roles"/],
])('%s: no rights, no devices, and the reason', (_case, names, reason) => {
  const resolved = resolveRoles(table, names, 'realm_access.roles')
  expect(resolved.names).toEqual([])
  expect(resolved.rights.size).toBe(0)
  expect(resolved.scope.parts).toEqual([])
  expect(resolved.lack).toMatch(reason)
})
