import { describe, expect, test } from 'vitest'
import { type AbortRule, countedBy, inWords } from '../../src/job/abort-rules.ts'
import { checkRollout } from '../../src/job/rollout.ts'
import { refusal } from '../support/refusal.ts'

const rule: AbortRule = { on: ['failed'], percent: 3, afterDevices: 1, action: 'pause' }
const checked = (...abort: readonly unknown[]) => checkRollout({ abort })

test('a rule is kept with its default, its outcomes in one order, and each of them once', () => {
  const given = { on: ['refused', 'failed', 'refused'], percent: 2.5, action: 'cancel' }
  expect(checked(given)).toEqual({
    abort: [{ on: ['failed', 'refused'], percent: 2.5, afterDevices: 1, action: 'cancel' }],
  })
})

test('without a rule there is no rollout', () => {
  for (const none of [undefined, null, {}, { abort: null }, { abort: [] }]) expect(checkRollout(none)).toBeNull()
})

test('the edges of the percentage and of the number of devices and of rules are allowed', () => {
  for (const percent of [0, 0.01, 33.33, 99.99, 100]) expect(checked({ ...rule, percent })).not.toBeNull()
  expect(checked({ ...rule, afterDevices: 2 ** 31 - 1 })).not.toBeNull()
  const ten = Array.from({ length: 10 }, (_, percent) => ({ ...rule, percent }))
  expect(checked(...ten)).toEqual({ abort: ten })
})

describe('refused is', () => {
  test.each<[string, unknown, string[]]>([
    ['a percentage below 0', { ...rule, percent: -0.01 }, ['percent']],
    ['a percentage above 100', { ...rule, percent: 100.01 }, ['percent']],
    ['a percentage with three decimals', { ...rule, percent: 1.005 }, ['percent']],
    ['a percentage that is not a number', { ...rule, percent: Number.NaN }, ['percent']],
    ['a rule after no device', { ...rule, afterDevices: 0 }, ['afterDevices']],
    ['a rule after half a device', { ...rule, afterDevices: 1.5 }, ['afterDevices']],
    ['a number of devices that has no column', { ...rule, afterDevices: 2 ** 31 }, ['afterDevices']],
    ['a rule without outcomes', { ...rule, on: [] }, ['on']],
    ['an unknown outcome', { ...rule, on: ['failed', 'timedOut'] }, ['on']],
    ['an unknown action', { ...rule, action: 'stop' }, ['action']],
    ['a rule that is not an object', 'failed', []],
  ])('%s', (_what, wrong, path) => {
    const { path: where } = refusal(() => checked({ ...rule, percent: 50 }, wrong))
    expect(where).toBe(['rollout/abort/1', ...path].join('/'))
  })

  test('an eleventh rule', () => {
    const eleven = Array.from({ length: 11 }, (_, percent) => ({ ...rule, percent }))
    expect(refusal(() => checked(...eleven)).path).toBe('rollout/abort')
  })

  test('the same threshold twice, whatever its action and the order of its outcomes', () => {
    const both = { ...rule, on: ['failed', 'refused'] }
    const again = { ...rule, on: ['refused', 'failed'], action: 'cancel' }
    expect(refusal(() => checked(both, again)).path).toBe('rollout/abort/1')
  })
})

test('a rule counts what has ended since the job was resumed', () => {
  const statistics = {
    deviceCount: 30,
    pendingCount: 10,
    runningCount: 0,
    succeededCount: 15,
    refusedCount: 4,
    failedCount: 5,
    cancelledCount: 0,
  }
  const both: AbortRule = { ...rule, on: ['failed', 'refused'] }
  expect(countedBy(rule, statistics, null)).toEqual({ matched: 5, ended: 20 })
  expect(countedBy(both, statistics, null)).toEqual({ matched: 9, ended: 20 })
  expect(countedBy(both, statistics, { ended: 12, failed: 5, refused: 1 })).toEqual({ matched: 3, ended: 8 })
})

test('a rule is a clause of a sentence', () => {
  expect(inWords(rule)).toBe('at least 3 % of the devices failed')
  expect(inWords({ ...rule, on: ['failed', 'refused'], percent: 0 })).toBe('a device failed or refused')
})
