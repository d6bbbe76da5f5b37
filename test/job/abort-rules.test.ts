import { describe, expect, test } from 'vitest'
import { type AbortRule, countedBy, initialCounts, inWords } from '../../src/job/abort-rules.ts'
import { checkRollout } from '../../src/job/rollout.ts'
import { refusal } from '../support/refusal.ts'

const rule: AbortRule = { on: ['failed'], percent: 3, afterDevices: 1, action: 'pause' }
const single = { percent: 3, afterDevices: 1, action: 'pause' } as const
const checked = (...abort: readonly unknown[]) => checkRollout({ abort })

test('a rule is kept with its default, its outcomes in one order, and each of them once', () => {
  const given = { on: ['refused', 'failed', 'refused'], percent: 2.5, action: 'cancel' }
  expect(checked(given)).toEqual({
    abort: [{ on: ['failed', 'refused'], percent: 2.5, afterDevices: 1, action: 'cancel' }],
  })
})

test('a rule counts results, an error code or a response status', () => {
  const rules: readonly AbortRule[] = [
    { ...single, on: ['refused', 'timedOut'] },
    { ...single, errorCode: 'DeviceNotOnline' },
    { ...single, responseStatus: 503 },
  ]
  expect(checked(...rules)).toEqual({ abort: rules })
  const withNulls = { ...single, on: null, errorCode: null, responseStatus: 503 }
  expect(checked(withNulls)).toEqual({ abort: [{ ...single, responseStatus: 503 }] })
})

test('a job has a count for each error code and status that its rules count, and none otherwise', () => {
  expect(initialCounts()).toBeNull()
  expect(initialCounts([rule, { ...single, on: ['failed', 'timedOut'] }])).toBeNull()
  expect(
    initialCounts([
      { ...single, on: ['timedOut'] },
      { ...single, errorCode: 'GatewayTimeout' },
      { ...single, responseStatus: 503 },
    ]),
  ).toEqual({ GatewayTimeout: 0, 503: 0 })
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
    ['an unknown outcome', { ...rule, on: ['failed', 'late'] }, ['on']],
    ['a rule that counts nothing', { ...rule, on: null }, ['on']],
    ['a rule that counts results and an error code', { ...rule, errorCode: 'GatewayTimeout' }, ['errorCode']],
    [
      'a rule that counts an error code and a status',
      { ...single, errorCode: 'X', responseStatus: 1 },
      ['responseStatus'],
    ],
    ['an unknown error code', { ...single, errorCode: 'Gatewaytimeout' }, ['errorCode']],
    [
      'an error code that comes with the end of a job',
      { ...single, errorCode: 'JobRunPreconditionFailed' },
      ['errorCode'],
    ],
    ['a response status that is no integer', { ...single, responseStatus: 503.5 }, ['responseStatus']],
    ['a response status that no device can answer', { ...single, responseStatus: 2 ** 31 }, ['responseStatus']],
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
    ruleCounts: { GatewayTimeout: 3, 503: 2 },
  }
  const both: AbortRule = { ...rule, on: ['failed', 'refused'] }
  expect(countedBy(rule, statistics, null)).toEqual({ matched: 5, ended: 20 })
  expect(countedBy(both, statistics, null)).toEqual({ matched: 9, ended: 20 })
  expect(countedBy(both, statistics, { ended: 12, failed: 5, refused: 1 })).toEqual({ matched: 3, ended: 8 })
  const base = { ended: 12, failed: 5, refused: 1, counts: { GatewayTimeout: 1, 503: 2 } }
  const matched = (one: AbortRule, from: typeof base | null) => countedBy(one, statistics, from).matched
  expect(matched({ ...single, errorCode: 'GatewayTimeout' }, null)).toBe(3)
  expect(matched({ ...single, errorCode: 'GatewayTimeout' }, base)).toBe(2)
  expect(matched({ ...single, responseStatus: 503 }, base)).toBe(0)
  expect(matched({ ...single, on: ['refused', 'timedOut'] }, null)).toBe(7)
  // Time-outs are failures, and count once.
  expect(matched({ ...single, on: ['failed', 'timedOut'] }, null)).toBe(5)
})

test('a rule is a clause of a sentence', () => {
  expect(inWords(rule)).toBe('at least 3 % of the devices failed')
  expect(inWords({ ...rule, on: ['failed', 'refused'], percent: 0 })).toBe('a device failed or refused')
  expect(inWords({ ...single, on: ['refused', 'timedOut'] })).toBe('at least 3 % of the devices refused or timed out')
  expect(inWords({ ...single, errorCode: 'DeviceNotOnline' })).toContain('of the devices failed with DeviceNotOnline')
  expect(inWords({ ...single, responseStatus: 503 })).toContain('of the devices answered with status 503')
})
