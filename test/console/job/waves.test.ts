import { describe, expect, test } from 'vitest'
import { describeOpening, describeSize, findStep, showWave } from '../../../src/console/pages/job/waves.ts'
import type { WaveNowFragment } from '../../../src/generated/console/graphql.ts'
import { statisticsWith } from '../statistics.ts'

type Gate = NonNullable<WaveNowFragment['gate']>

const gateWith = (gate: Partial<Gate>): Gate => ({
  succeededPercent: null,
  soakSeconds: 0,
  approval: false,
  onFailure: 'PAUSE',
  ...gate,
})

/** A wave of 100 devices, 98 of which have succeeded. Its gate needs 95 %. */
const first: WaveNowFragment = {
  number: 1,
  devices: 100,
  percent: null,
  queryCondition: null,
  gate: gateWith({ succeededPercent: 95 }),
  status: 'OPEN',
  closedTime: null,
  gateOutcome: null,
  soakEndTime: null,
  deviceJobStatistics: statisticsWith(100, 98),
}
const second: WaveNowFragment = {
  ...first,
  number: 2,
  devices: null,
  gate: null,
  status: 'NOT_OPEN',
  deviceJobStatistics: statisticsWith(400, 0),
}
const running = { status: 'RUNNING', endTime: null } as const
const paused = { ...running, status: 'PAUSED' } as const
const cancelled = { status: 'CANCELLED', endTime: '2026-03-01T07:00:00Z' } as const
const closed = { status: 'DONE', closedTime: '2026-03-01T06:00:00Z' } as const

const shown = (
  changes: Partial<WaveNowFragment>,
  job: Parameters<typeof showWave>[2] = running,
  next: Partial<WaveNowFragment> = {},
) => {
  const wave = { ...first, ...changes }
  const { word, detail } = showWave(wave, [wave, { ...second, ...next }], job)
  return detail === '' ? word : `${word}: ${detail}`
}

describe('the size of a wave', () => {
  test('is its number of devices', () => {
    expect(describeSize(second)).toBe('400 devices')
    expect(describeSize({ ...first, deviceJobStatistics: statisticsWith(1, 0) })).toBe('1 device')
  })

  test('is what it will take, before the start of the job', () => {
    const before = { ...second, deviceJobStatistics: null }
    expect(describeSize({ ...before, devices: 1_200 })).toBe('1,200 devices')
    expect(describeSize({ ...before, percent: 2.5 })).toBe('2.5 % of the devices')
    expect(describeSize({ ...before, queryCondition: "tags.ring = 'lab'" })).toBe('The devices that meet its condition')
    expect(describeSize(before)).toBe('The other devices')
  })
})

describe('the state of a wave', () => {
  test('that is open says what its gate has counted, and what follows', () => {
    expect(shown({})).toBe('Open: 98 of 100 succeeded, needs 95 %')
    expect(shown({ gate: gateWith({ succeededPercent: 95, soakSeconds: 600, approval: true }) })).toBe(
      'Open: 98 of 100 succeeded, needs 95 %, then a soak of 10 min, then an approval',
    )
    expect(shown({ gate: null })).toBe('Open: 98 of 100 finished, needs all')
    expect(shown({ deviceJobStatistics: { ...statisticsWith(100, 98), refusedCount: 3, cancelledCount: 1 } })).toBe(
      'Open: 95 of 99 succeeded, needs 95 %',
    )
  })

  test('that is open has no gate when no later wave has devices', () => {
    expect(shown({}, running, { status: 'DONE' })).toBe('Open')
  })

  test('that has its turn later says what its gate will need, unless it is the last', () => {
    expect(shown({ status: 'NOT_OPEN' })).toBe('Not opened yet: Gate: 95 % have to succeed')
    expect(shown({ status: 'NOT_OPEN', gate: gateWith({ approval: true }) })).toBe(
      'Not opened yet: Gate: all have to finish, then an approval',
    )
    expect(showWave(second, [first, second], running)).toMatchObject({ word: 'Not opened yet', detail: '' })
  })

  test('whose share is reached says when the soak ends, or that an approval is missing', () => {
    const soaking = { ...first, status: 'SOAKING', soakEndTime: '2026-03-01T14:05:00Z' } as const
    expect(showWave(soaking, [soaking, second], running)).toMatchObject({
      word: 'Soaking',
      detail: '98 of 100 succeeded',
      until: '2026-03-01T14:05:00Z',
    })
    expect(shown({ status: 'WAITING_FOR_APPROVAL' })).toBe('Waits for approval: 98 of 100 succeeded')
  })

  test('that waits for an approval while the job is paused says what has to be done first', () => {
    const gate = gateWith({ succeededPercent: 95, approval: true })
    expect(shown({ status: 'WAITING_FOR_APPROVAL', gate }, paused)).toBe(
      'Waits for approval: 98 of 100 succeeded. Resume the job before you approve wave 2',
    )
  })

  test('whose gate failed says by what, and what has to be done first', () => {
    const lost = { status: 'GATE_FAILED', deviceJobStatistics: { ...statisticsWith(10, 8), failedCount: 2 } } as const
    expect(shown(lost)).toBe('Gate failed: 8 of 10 succeeded, needs 95 %')
    expect(shown(lost, paused)).toBe(
      'Gate failed: 8 of 10 succeeded, needs 95 %. Resume the job before you open wave 2',
    )
  })

  test('whose approval was rejected says so', () => {
    const rejected = {
      status: 'GATE_FAILED',
      gateOutcome: 'REJECTED',
      gate: gateWith({ succeededPercent: 95, approval: true }),
    } as const
    expect(shown(rejected)).toBe('Rejected: Wave 2 was not approved')
    expect(shown(rejected, paused)).toBe('Rejected: Wave 2 was not approved. Resume the job before you approve wave 2')
  })

  test('after which the next one was opened says whether its gate had passed', () => {
    expect(shown({ ...closed, gateOutcome: 'PASSED' })).toBe('Passed: 98 of 100 succeeded')
    // Enough devices have succeeded since.
    expect(shown({ ...closed, gateOutcome: 'SKIPPED' })).toBe('Gate skipped: 98 of 100 succeeded, needs 95 %')
    // Decided before the hub kept how.
    expect(shown(closed)).toBe('Done: 98 of 100 succeeded')
    expect(shown({ ...closed, deviceJobStatistics: statisticsWith(0, 0) })).toBe('No devices')
  })

  test('of a job that has ended says that it was not opened or passed', () => {
    const counted = { ...statisticsWith(100, 98), pendingCount: 0, cancelledCount: 2 }
    expect(shown({ status: 'DONE', deviceJobStatistics: counted }, cancelled)).toBe(
      'Gate not passed: 98 of 100 succeeded, needs 95 %',
    )
    expect(shown({ status: 'DONE', gate: null }, cancelled)).toBe('Gate not passed')
    expect(showWave(second, [first, second], cancelled).word).toBe('Not opened')
    expect(shown({}, { status: 'CANCELLED', endTime: null })).toBe('Cancelling')
    const last = { ...second, status: 'DONE' } as const
    expect(showWave(last, [first, last], { ...running, endTime: '2026-03-01T07:00:00Z' }).word).toBe('Finished')
  })
})

describe('what a person can do', () => {
  const stepOf = (changes: Partial<WaveNowFragment>) => findStep([{ ...first, ...changes }, second], running)?.kind
  const gate = gateWith({ approval: true })

  test('is to open the next wave while the gate waits or has failed', () => {
    expect(stepOf({})).toBe('open')
    expect(stepOf({ status: 'SOAKING' })).toBe('open')
    expect(stepOf({ status: 'GATE_FAILED' })).toBe('open')
  })

  test('is to approve where the gate requires it, not before it has passed or failed', () => {
    expect(stepOf({ gate })).toBeUndefined()
    expect(stepOf({ gate, status: 'SOAKING' })).toBeUndefined()
    expect(stepOf({ gate, status: 'WAITING_FOR_APPROVAL' })).toBe('decide')
    expect(stepOf({ gate, status: 'GATE_FAILED' })).toBe('decide')
  })

  test('is nothing while the job does not run, has not started, or when all waves are open', () => {
    expect(findStep([first, second], { status: 'PAUSED' })).toBeUndefined()
    expect(findStep([{ ...first, status: 'NOT_OPEN' }, second], running)).toBeUndefined()
    expect(findStep([first, { ...second, status: 'OPEN' }], running)).toBeUndefined()
  })

  test('says before what it skips', () => {
    const opening = (changes: Partial<WaveNowFragment>, next: Partial<WaveNowFragment> = {}) =>
      describeOpening({ kind: 'open', open: { ...first, ...changes }, next: { ...second, ...next } })
    expect(opening({ gate: gateWith({ succeededPercent: 99, soakSeconds: 60 }) })).toBe(
      'This skips the gate of wave 1: 98 of 100 succeeded, needs 99 %, then a soak of 1 min. The 400 devices of wave 2 have their turn at once. An open wave cannot be closed again.',
    )
    expect(opening({ status: 'SOAKING' })).toContain('This skips the rest of the soak of wave 1. ')
    expect(opening({ status: 'GATE_FAILED' })).toContain('The gate of wave 1 has failed: 98 of 100 succeeded')
    expect(opening({}, { deviceJobStatistics: statisticsWith(0, 0) })).toContain('Wave 2 has no devices')
  })
})
