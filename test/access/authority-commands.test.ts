import { afterAll, beforeAll, expect, test } from 'vitest'
import { findAuthority } from '../../src/access/authority-commands.ts'
import { settlePolicies } from '../../src/access/commands.ts'
import { may } from '../../src/access/rights.ts'
import { builtInTable, type RoleTable } from '../../src/access/roles.ts'
import { policyViewer } from '../../src/access/viewer.ts'
import { everything } from '../../src/scope.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
  await settlePolicies(deps, Buffer.alloc(32, 7).toString('base64'), undefined)
})
afterAll(() => deps.close())

const anonymous = policyViewer(
  { name: 'iothubowner', rights: new Set(['serviceConnect'] as const) },
  undefined,
  'anonymous',
)
const find = (
  author: {
    readonly kind: 'policy' | 'person' | 'anonymous'
    readonly name: string
    readonly roles?: readonly string[]
  },
  settings: Partial<Parameters<typeof findAuthority>[1]> = {},
) => findAuthority(deps, { roles: () => builtInTable, anonymous, ...settings })({ roles: [], ...author })

test('a policy may do what it may do now, on all devices', async () => {
  const service = await find({ kind: 'policy', name: 'service' })
  expect(service && may(service, 'writeJobs')).toBe(true)
  expect(service?.scope).toBe(everything)
  const reader = await find({ kind: 'policy', name: 'registryRead' })
  expect(reader && may(reader, 'writeJobs')).toBe(false)
  await deps.database.pool.query("delete from policy where name = 'service'")
  expect(await find({ kind: 'policy', name: 'service' })).toBeUndefined()
})

test('a person may do what the roles may do now', async () => {
  let table: RoleTable = new Map([
    ['night', { rights: new Set(['writeJobs'] as const), condition: "tags.site = 'north'" }],
  ])
  const asNight = () => find({ kind: 'person', name: 'anna', roles: ['night'] }, { roles: () => table })
  const before = await asNight()
  expect(before && may(before, 'writeJobs')).toBe(true)
  expect(before?.scope.parts).toEqual(["tags.site = 'north'"])
  table = builtInTable
  const after = await asNight()
  expect(after && may(after, 'writeJobs')).toBe(false)
})

test('persons without an issuer, and clients without a token where one is needed, may nothing', async () => {
  expect(await find({ kind: 'person', name: 'anna', roles: ['operator'] }, { roles: undefined })).toBeUndefined()
  expect(await find({ kind: 'anonymous', name: 'iothubowner' })).toBe(anonymous)
  expect(await find({ kind: 'anonymous', name: 'iothubowner' }, { anonymous: undefined })).toBeUndefined()
})
