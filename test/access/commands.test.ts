import { afterAll, beforeAll, expect, test } from 'vitest'
import { authenticateViewer, settlePolicies } from '../../src/access/commands.ts'
import type { Policy } from '../../src/access/policy.ts'
import { rightsOfPolicy } from '../../src/access/rights.ts'
import { signSasToken } from '../../src/access/sas.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

let deps: TestDeps

beforeAll(async () => {
  deps = await createTestDeps()
})
afterAll(() => deps.close())

const key = (fill: number) => Buffer.alloc(32, fill).toString('base64')
const token = (policyName: string, keyOf: string) =>
  signSasToken({ resource: 'hub.example', key: keyOf, expiry: Math.ceil(Date.now() / 1000) + 60, policyName })
const viewer = (authorization: string) => authenticateViewer(deps, authorization, ['hub.example'])

test('a new hub has the five policies, and both keys of each open the door', async () => {
  const policies = await settlePolicies(deps, key(1), undefined)
  expect(policies.map(({ name }) => name)).toEqual([
    'device',
    'iothubowner',
    'registryRead',
    'registryReadWrite',
    'service',
  ])
  for (const { name, rights, primaryKey, secondaryKey } of policies) {
    expect(await viewer(token(name, primaryKey))).toMatchObject({ name, rights: rightsOfPolicy(rights) })
    expect(await viewer(token(name, secondaryKey))).toMatchObject({ name, rights: rightsOfPolicy(rights) })
  }
})

test('starting again keeps the keys, but for the one that the configuration names', async () => {
  const before = await settlePolicies(deps, key(1), undefined)
  const after = await settlePolicies(deps, key(2), undefined)
  expect(after.filter(({ name }) => name !== 'iothubowner')).toEqual(
    before.filter(({ name }) => name !== 'iothubowner'),
  )
  await expect(viewer(token('iothubowner', key(1)))).rejects.toThrow('no valid token')
  await expect(viewer(token('iothubowner', key(2)))).resolves.toMatchObject({ name: 'iothubowner' })
})

test('an added policy opens the door with its rights, and a removed one no longer', async () => {
  const policies = await settlePolicies(deps, key(1), undefined)
  const added: Policy = {
    name: 'reporting',
    rights: new Set(['registryRead']),
    primaryKey: key(5),
    secondaryKey: key(6),
  }
  await settlePolicies(deps, key(1), [...policies, added])
  expect([...(await viewer(token('reporting', key(6)))).rights]).toEqual(['readDevices', 'readKeys', 'readJobs'])
  await settlePolicies(deps, key(1), policies)
  await expect(viewer(token('reporting', key(6)))).rejects.toThrow('no valid token')
})
