import { describe, expect, test } from 'vitest'
import { defaultPolicies } from '../../src/access/policy.ts'
import { may, type PolicyRight, type Right, rights, rightsOfPolicy } from '../../src/access/rights.ts'
import { builtInRoles } from '../../src/access/roles.ts'

const allowed = (granted: readonly PolicyRight[]): Right[] => {
  const viewer = { rights: rightsOfPolicy(new Set(granted)) }
  return rights.filter((right) => may(viewer, right))
}

const twinsAndMethods: readonly Right[] = ['readTwins', 'writeTwins', 'invokeMethods']
const jobs: readonly Right[] = ['readJobs', 'writeJobs']

describe('policies', () => {
  test.each<readonly [policy: string, allowed: readonly Right[]]>([
    ['iothubowner', rights],
    ['service', [...twinsAndMethods, ...jobs]],
    ['device', ['connectDevices']],
    ['registryRead', ['readDevices', 'readKeys', 'readJobs']],
    ['registryReadWrite', ['readDevices', 'readKeys', 'writeDevices', ...jobs]],
  ])('the policy %s allows just what it is for', (name, expected) => {
    const policy = defaultPolicies.find((candidate) => candidate.name === name)
    expect(allowed([...(policy?.rights ?? [])])).toEqual(expected)
  })

  test('there are five default policies', () => {
    expect(defaultPolicies.length).toBe(5)
  })

  test('writing to the registry needs the right to read it too', () => {
    expect(allowed(['registryWrite'])).toEqual(['writeJobs'])
  })

  test('without rights nothing is allowed', () => {
    expect(allowed([])).toEqual([])
  })

  test('approving jobs and reading the audit need every right', () => {
    expect(allowed(['registryRead', 'registryWrite', 'serviceConnect'])).not.toContain('auditRead')
    expect(allowed(['registryRead', 'serviceConnect', 'deviceConnect'])).not.toContain('approveJobs')
  })
})

describe('built-in roles', () => {
  test.each<readonly [role: string, allowed: readonly Right[]]>([
    ['viewer', ['readDevices', 'readTwins', 'readJobs']],
    ['operator', ['readDevices', 'readTwins', 'writeTwins', 'invokeMethods', 'readJobs', 'writeJobs']],
    ['approver', ['readDevices', 'readTwins', 'readJobs', 'approveJobs']],
    ['admin', rights.filter((right) => right !== 'connectDevices')],
  ])('%s', (role, expected) => {
    const granted = new Set(builtInRoles.get(role))
    expect(rights.filter((right) => granted.has(right))).toEqual(expected)
    expect(granted.size).toBe(expected.length)
  })

  test('there are four', () => {
    expect(builtInRoles.size).toBe(4)
  })
})
