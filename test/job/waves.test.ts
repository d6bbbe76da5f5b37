import { describe, expect, test } from 'vitest'
import {
  checkWaves,
  type Gate,
  judgeGate,
  nextStep,
  soakEnd,
  statisticsOf,
  type WaveCounts,
  waveSizes,
  waveStatus,
} from '../../src/job/waves.ts'

const path = ['rollout', 'waves']
const check = (value: unknown) => checkWaves(value, path)
const counts = (deviceCount: number, changes: Partial<WaveCounts> = {}): WaveCounts => ({
  deviceCount,
  runningCount: 0,
  succeededCount: 0,
  refusedCount: 0,
  failedCount: 0,
  cancelledCount: 0,
  ...changes,
})
const gate = (changes: Partial<Gate> = {}): Gate => ({ onFailure: 'pause', ...changes })

describe('waves', () => {
  test('have a number of devices, a share or a condition, a gate with defaults, and a last one that takes the rest', () => {
    expect(
      check([
        { devices: 10, gate: { succeededPercent: 97.5, soakSeconds: 60, approval: true, onFailure: 'cancel' } },
        { percent: 0.01, gate: {} },
        { devices: 1, gate: { approval: true, onFailure: 'cancel' } },
        { queryCondition: "tags.ring = 'early'", devices: null, gate: null },
        {},
      ]),
    ).toEqual([
      { devices: 10, gate: { succeededPercent: 97.5, soakSeconds: 60, approval: true, onFailure: 'cancel' } },
      { percent: 0.01, gate: { onFailure: 'pause' } },
      { devices: 1, gate: { approval: true, onFailure: 'cancel' } },
      { queryCondition: "tags.ring = 'early'" },
      { rest: true },
    ])
  })

  test.each<readonly [sentence: string, value: unknown, at: readonly string[]]>([
    ['that are no list', {}, []],
    ['none of them', [], []],
    ['a single one', [{}], []],
    ['more than 20', [...Array.from({ length: 20 }, () => ({ devices: 1 })), {}], []],
    ['one that is no object', ['10', {}], ['0']],
    ['one without a size before the last', [{}, {}], ['0']],
    ['one with two sizes', [{ devices: 1, percent: 5 }, {}], ['0']],
    ['an empty one', [{ devices: 0 }, {}], ['0', 'devices']],
    ['one of half a device', [{ devices: 1.5 }, {}], ['0', 'devices']],
    ['a share of 0 %', [{ percent: 0 }, {}], ['0', 'percent']],
    ['a share of more than 100 %', [{ percent: 100.5 }, {}], ['0', 'percent']],
    ['a share with three decimals', [{ percent: 0.125 }, {}], ['0', 'percent']],
    ['a share of 100 %, which leaves no rest', [{ percent: 100 }, {}], ['0', 'percent']],
    ['shares of 100 % together', [{ percent: 60 }, { devices: 5 }, { percent: 40 }, {}], ['2', 'percent']],
    ['a condition that does not parse', [{ queryCondition: 'tags.' }, {}], ['0', 'queryCondition']],
    ['a last one with a size', [{ devices: 1 }, { devices: 2 }], ['1', 'devices']],
    ['a last one with a gate', [{ devices: 1 }, { gate: {} }], ['1', 'gate']],
    ['a gate that is no object', [{ devices: 1, gate: 95 }, {}], ['0', 'gate']],
    [
      'a share of the gate below 0',
      [{ devices: 1, gate: { succeededPercent: -1 } }, {}],
      ['0', 'gate', 'succeededPercent'],
    ],
    [
      'a share of the gate above 100',
      [{ devices: 1, gate: { succeededPercent: 101 } }, {}],
      ['0', 'gate', 'succeededPercent'],
    ],
    ['a negative soak', [{ devices: 1, gate: { soakSeconds: -1 } }, {}], ['0', 'gate', 'soakSeconds']],
    [
      'a soak of more than 30 days',
      [{ devices: 1, gate: { soakSeconds: 2_592_001 } }, {}],
      ['0', 'gate', 'soakSeconds'],
    ],
    [
      'an approval that is neither true nor false',
      [{ devices: 1, gate: { approval: 1 } }, {}],
      ['0', 'gate', 'approval'],
    ],
    ['a failure without a share', [{ devices: 1, gate: { onFailure: 'pause' } }, {}], ['0', 'gate', 'onFailure']],
    [
      'an unknown action',
      [{ devices: 1, gate: { succeededPercent: 1, onFailure: 'wait' } }, {}],
      ['0', 'gate', 'onFailure'],
    ],
  ])('refused are %s', (_sentence, value, at) => {
    expect(() => check(value)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', path: [...path, ...at] }))
  })

  test('of a condition that does not parse are refused with the position in it, once', () => {
    const message = expect.stringMatching(/^[^(]+ \(line 1, column 6\)$/)
    expect(() => check([{ queryCondition: 'tags.' }, {}])).toThrow(expect.objectContaining({ message }))
  })
})

describe('the sizes of waves', () => {
  const waves = check([{ devices: 5 }, { queryCondition: '*' }, { percent: 25 }, { devices: 100 }, {}])
  const sizes = (deviceCount: number, chosen: number) => waveSizes(waves, deviceCount, new Map([[1, chosen]]))

  test('are what is left after the conditions, shares of all devices, and the rest', () => {
    expect(sizes(1_000, 10)).toEqual([5, 10, 250, 100, 635])
    expect(sizes(10, 3)).toEqual([5, 3, 2, 0, 0])
    expect(sizes(0, 0)).toEqual([0, 0, 0, 0, 0])
  })

  test('are not negative when more devices were counted for a condition than before for the job', () => {
    expect(sizes(3, 4)).toEqual([0, 4, 0, 0, 0])
  })
})

describe('a gate', () => {
  test('without a share is reached when all devices have ended, with any result, and cannot fail', () => {
    for (const without of [null, gate({ soakSeconds: 5 })]) {
      expect(judgeGate(without, counts(3, { succeededCount: 1, failedCount: 1 }))).toEqual({
        isReached: false,
        hasFailed: false,
      })
      expect(judgeGate(without, counts(3, { failedCount: 3 }))).toEqual({ isReached: true, hasFailed: false })
    }
  })

  test.each<
    readonly [percent: number, devices: number, succeeded: number, lost: number, isReached: boolean, hasFailed: boolean]
  >([
    [95, 200, 189, 10, false, false],
    [95, 200, 190, 10, true, false],
    [95, 200, 100, 10, false, false],
    [95, 200, 100, 11, false, true],
    [100, 3, 2, 0, false, false],
    [100, 3, 2, 1, false, true],
    [100, 3, 3, 0, true, false],
    [0, 3, 0, 0, true, false],
    [0, 3, 0, 3, true, false],
    // 33.33 % of 3 devices is one device and a bit less.
    [33.33, 3, 1, 2, true, false],
    [33.34, 3, 1, 1, false, false],
    [33.34, 3, 1, 2, false, true],
  ])(
    'of %d %% of %d devices, of which %d succeeded and %d did not: reached %s, failed %s',
    (percent, devices, succeeded, lost, isReached, hasFailed) => {
      const failed = counts(devices, { succeededCount: succeeded, failedCount: lost })
      const refused = counts(devices, { succeededCount: succeeded + lost, refusedCount: lost })
      for (const found of [failed, refused]) {
        expect(judgeGate(gate({ succeededPercent: percent }), found)).toEqual({ isReached, hasFailed })
      }
    },
  )

  test('does not count devices that a client has cancelled', () => {
    expect(judgeGate(null, counts(3, { succeededCount: 2, cancelledCount: 1 }))).toEqual({
      isReached: true,
      hasFailed: false,
    })
    const half = gate({ succeededPercent: 50 })
    expect(judgeGate(half, counts(4, { succeededCount: 1, cancelledCount: 2 }))).toEqual({
      isReached: true,
      hasFailed: false,
    })
  })

  const reached = counts(2, { succeededCount: 2 })
  const fresh = { secondsReached: null, waitsForApproval: false, hasFailed: false }

  test('opens the next wave at once, after the soak, or after an approval', () => {
    expect(nextStep(null, reached, fresh)).toBe('open')
    const soaking = gate({ soakSeconds: 60 })
    expect(nextStep(soaking, reached, fresh)).toBe('soak')
    expect(nextStep(soaking, reached, { ...fresh, secondsReached: 59.9 })).toBe('wait')
    expect(nextStep(soaking, reached, { ...fresh, secondsReached: 60 })).toBe('open')
    const approved = gate({ soakSeconds: 60, approval: true })
    expect(nextStep(approved, reached, { ...fresh, secondsReached: 60 })).toBe('askForApproval')
    expect(nextStep(approved, reached, { ...fresh, secondsReached: 60, waitsForApproval: true })).toBe('wait')
    expect(nextStep(gate({ approval: true }), reached, fresh)).toBe('askForApproval')
  })

  test('waits before its share is reached, fails once, and then waits for people', () => {
    const strict = gate({ succeededPercent: 100 })
    expect(nextStep(strict, counts(2, { succeededCount: 1 }), fresh)).toBe('wait')
    const lost = counts(2, { failedCount: 1 })
    expect(nextStep(strict, lost, fresh)).toBe('fail')
    expect(nextStep(strict, lost, { ...fresh, hasFailed: true })).toBe('wait')
  })

  test('ends its soak at a known time', () => {
    const time = new Date('2026-01-01T00:00:00Z')
    expect(soakEnd(gate({ soakSeconds: 90 }), time)).toEqual(new Date('2026-01-01T00:01:30Z'))
    expect(soakEnd(gate({ soakSeconds: 90 }), null)).toBeNull()
  })
})

describe('a wave', () => {
  const some = {
    ...counts(10, { runningCount: 2, succeededCount: 3, refusedCount: 1, failedCount: 1 }),
    skippedCount: 2,
  }
  const whole = { deviceCount: 10, succeededCount: 3, refusedCount: 1, skippedCount: 2 }

  test('counts what is open when its job ends as failed, or as cancelled before its turn', () => {
    expect(statisticsOf(some, { status: 'running', hasEnded: false })).toEqual({
      ...whole,
      pendingCount: 4,
      runningCount: 2,
      failedCount: 1,
      cancelledCount: 0,
    })
    expect(statisticsOf(some, { status: 'cancelled', hasEnded: false })).toEqual({
      ...whole,
      pendingCount: 0,
      runningCount: 2,
      failedCount: 1,
      cancelledCount: 4,
    })
    expect(statisticsOf(some, { status: 'cancelled', hasEnded: true })).toEqual({
      ...whole,
      pendingCount: 0,
      runningCount: 0,
      failedCount: 3,
      cancelledCount: 4,
    })
    expect(statisticsOf({ ...some, cancelledCount: 4 }, { status: 'completed', hasEnded: true })).toMatchObject({
      failedCount: 3,
      cancelledCount: 4,
    })
    expect(statisticsOf(some, { status: 'completed', hasEnded: true })).toEqual({
      ...whole,
      pendingCount: 0,
      runningCount: 0,
      failedCount: 7,
      cancelledCount: 0,
    })
  })

  test('has a status that follows from its times', () => {
    const time = new Date()
    const none = { openedTime: null, reachedTime: null, approvalTime: null, failedTime: null, closedTime: null }
    const open = { ...none, openedTime: time }
    expect(waveStatus(undefined, false)).toBe('notOpen')
    expect(waveStatus(none, true)).toBe('notOpen')
    expect(waveStatus(open, false)).toBe('open')
    expect(waveStatus({ ...open, reachedTime: time }, false)).toBe('soaking')
    expect(waveStatus({ ...open, reachedTime: time, approvalTime: time }, false)).toBe('waitingForApproval')
    expect(waveStatus({ ...open, failedTime: time }, true)).toBe('gateFailed')
    expect(waveStatus({ ...open, failedTime: time, closedTime: time }, false)).toBe('done')
    expect(waveStatus(open, true)).toBe('done')
  })
})
