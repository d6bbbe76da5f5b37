import { expect, test } from 'vitest'
import { defaultPolicies, may, type Operation, type Right } from '../../src/access/policy.ts'

const operations: readonly Operation[] = [
  'readDevices',
  'writeDevices',
  'readTwins',
  'writeTwins',
  'invokeMethods',
  'readJobs',
  'writeJobs',
  'connectDevices',
]
const twinsAndMethods: readonly Operation[] = ['readTwins', 'writeTwins', 'invokeMethods']
const jobs: readonly Operation[] = ['readJobs', 'writeJobs']

function allowed(rights: readonly Right[]): Operation[] {
  return operations.filter((operation) => may({ rights: new Set(rights) }, operation))
}

test.each<readonly [policy: string, allowed: readonly Operation[]]>([
  ['iothubowner', operations],
  ['service', [...twinsAndMethods, ...jobs]],
  ['device', ['connectDevices']],
  ['registryRead', ['readDevices', 'readJobs']],
  ['registryReadWrite', ['readDevices', 'writeDevices', ...jobs]],
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
