import { expect, test } from 'vitest'
import type { Policy } from '../../src/access/policy.ts'
import { policyDifferences } from '../../src/access/policy-differences.ts'

const policy = (name: string, primaryKey = 'one', secondaryKey = 'two'): Policy => ({
  name,
  rights: new Set(['registryRead', 'serviceConnect']),
  primaryKey,
  secondaryKey,
})

test('the same policies in another order do not differ', () => {
  expect(policyDifferences([policy('a'), policy('b')], [policy('b'), policy('a')])).toEqual([])
})

test('each difference is told by the name of its policy, and without a key', () => {
  const other: Policy = { ...policy('c'), rights: new Set(['deviceConnect', 'registryRead']) }
  const given = [policy('a', 'x'), policy('b', 'one', 'x'), other]
  const used = [policy('a'), policy('b'), policy('c')]
  expect(policyDifferences(given, used)).toEqual([
    'the primary key of "a" differs from the other hubs',
    'the secondary key of "b" differs from the other hubs',
    'the rights of "c" differ from the other hubs',
  ])
})

test('rights that are fewer, or more, differ', () => {
  const fewer: Policy = { ...policy('a'), rights: new Set(['registryRead']) }
  expect(policyDifferences([fewer], [policy('a')])).toHaveLength(1)
  expect(policyDifferences([policy('a')], [fewer])).toHaveLength(1)
})

test('a policy that only one side has differs', () => {
  expect(policyDifferences([policy('a'), policy('b')], [policy('a'), policy('c')])).toEqual([
    'the other hubs have no policy "b"',
    'the policy "c" is missing',
  ])
})

test('the primary key of the owner is not that of the file, so it does not count', () => {
  expect(policyDifferences([policy('iothubowner', 'x')], [policy('iothubowner')])).toEqual([])
  expect(policyDifferences([policy('iothubowner', 'x', 'x')], [policy('iothubowner')])).toEqual([
    'the secondary key of "iothubowner" differs from the other hubs',
  ])
})
