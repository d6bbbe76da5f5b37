import { describe, expect, test } from 'vitest'
import { changeWaveConditions, groupsInWaves } from '../../src/job/wave-conditions.ts'
import { replaceGroups } from '../../src/query/device-groups.ts'

const rollout = {
  maxPerMinute: 60,
  waves: [
    { queryCondition: "group('early')", gate: { soakSeconds: 60 } },
    { devices: 10 },
    { queryCondition: "group('late') AND tags.site = 'north'" },
    {},
  ],
}
const conditions = new Map([
  ['early', "tags.ring = 'early'"],
  ['late', "tags.ring = 'late'"],
])
const replace = (value: unknown) => changeWaveConditions(value, (condition) => replaceGroups(condition, conditions))

describe('the conditions of waves', () => {
  test('name device groups', () => {
    expect(groupsInWaves(rollout)).toEqual(['early', 'late'])
  })

  test('get the conditions of their groups, and the rest of the rollout stays', () => {
    expect(replace(rollout)).toEqual({
      maxPerMinute: 60,
      waves: [
        { queryCondition: "(tags.ring = 'early')", gate: { soakSeconds: 60 } },
        { devices: 10 },
        { queryCondition: "(tags.ring = 'late') AND tags.site = 'north'" },
        {},
      ],
    })
  })

  test.each<[string, unknown]>([
    ['no rollout', undefined],
    ['a rollout that is null', null],
    ['a rollout that is no object', 'waves'],
    ['waves that are no list', { waves: { queryCondition: "group('early')" } }],
    ['waves that are no objects', { waves: [null, "group('early')", ["group('early')"]] }],
    ['conditions that are no texts', { waves: [{ queryCondition: null }, { queryCondition: 1 }] }],
    ['more waves than a job may have', { waves: Array(21).fill({ queryCondition: "group('early')" }) }],
  ])('%s: are not looked for, and it stays as it is', (_what, value) => {
    expect(groupsInWaves(value)).toEqual([])
    expect(replace(value)).toEqual(value)
  })

  test('are refused with their path', () => {
    const path = ['rollout', 'waves', '1', 'queryCondition']
    const waves = (queryCondition: string) => ({ waves: [{ devices: 1 }, { queryCondition }, {}] })
    expect(() => groupsInWaves(waves('tags.a = 1 AND group(early)'))).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', path, message: expect.stringContaining('(line 1, column 16)') }),
    )
    expect(() => replace(waves("group('other')"))).toThrow(
      expect.objectContaining({ path, message: "there is no device group 'other' (line 1, column 1)" }),
    )
  })
})
