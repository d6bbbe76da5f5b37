import { describe, expect, test } from 'vitest'
import { failsGate, judge } from '../../bench/row.ts'
import { rowWith, runs } from './rows.ts'

describe('a row is judged', () => {
  test('by the ratio of the medians, not of the means', () => {
    const { ratio } = judge(rowWith({ ours: runs(40, 50, 1_000), baseline: runs(90, 100, 101) }))
    expect(ratio).toBe(0.5)
  })

  test.each([
    ['at least, met exactly', { kind: 'gate', atLeast: 0.5 }, 'holds'],
    ['at least, missed', { kind: 'gate', atLeast: 0.51 }, 'fails'],
    ['at most, met exactly', { kind: 'goal', atMost: 0.5 }, 'holds'],
    ['at most, missed', { kind: 'goal', atMost: 0.49 }, 'fails'],
  ] as const)('%s', (_, limit, kind) => expect(judge(rowWith({ limit })).verdict).toEqual({ kind }))

  test('to its limit while the spread of the baseline is a quarter', () =>
    expect(judge(rowWith({ baseline: runs(90, 100, 115) })).verdict.kind).toBe('holds'))

  test('by nothing that was measured of ours to vary: that is ours to answer for', () =>
    expect(judge(rowWith({ ours: runs(1, 50, 500) })).verdict.kind).toBe('holds'))
})

describe('there is no verdict', () => {
  test.each([
    ['baseline spread over 25 %', { baseline: runs(90, 100, 116) }],
    ['fewer than 3 rounds', { ours: runs(1, 1), baseline: runs(100, 100) }],
    ['small sizes', { limit: undefined }],
    ['nothing was measured', { ours: runs(Number.NaN, Number.NaN, Number.NaN) }],
  ])('%s', (reason, change) =>
    expect(judge(rowWith(change)).verdict).toEqual({ kind: 'none', reason: `no verdict: ${reason}` }),
  )
})

test('CPU time is the median of the runs, by process, and of those only that were measured', () => {
  const ours = [10, 30, 20].map((hub) => ({ value: 1, cpuMicros: { hub, database: 0 } }))
  expect(judge(rowWith({ ours })).ours.cpuMicros).toEqual({ hub: 20, database: 0 })
})

describe('the benchmark fails', () => {
  const tooLittle = runs(1, 1, 1)
  test.each([
    [true, 'for a gate that does not hold', { ours: tooLittle }],
    [false, 'not for a gate that holds', {}],
    [false, 'not for a goal that is missed', { ours: tooLittle, limit: { kind: 'goal', atLeast: 0.5 } }],
    [false, 'not without a verdict', { ours: tooLittle, baseline: runs(1, 100, 200) }],
  ] as const)('%s: %s', (fails, _, change) => expect(failsGate(rowWith(change))).toBe(fails))
})
