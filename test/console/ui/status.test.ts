import { expect, test } from 'vitest'
import { formatCount } from '../../../src/console/format.ts'
import {
  describeCount,
  describeEmpty,
  describeStatistics,
  endedOf,
  finishedIn,
  partsOf,
} from '../../../src/console/ui/statistics.ts'
import { showJob, showResult } from '../../../src/console/ui/status.ts'

const statistics = {
  deviceCount: 1_010,
  pendingCount: 3,
  runningCount: 7,
  succeededCount: 900,
  refusedCount: 0,
  failedCount: 60,
  cancelledCount: 40,
}

test('a job that has ended is shown by what came of it, not as completed', () => {
  const ended = { status: 'COMPLETED', endTime: '2026-03-01T06:30:00Z' } as const
  expect(showJob({ ...ended, outcome: 'SUCCEEDED' }).word).toBe('Succeeded')
  expect(showJob({ ...ended, outcome: 'PARTIALLY_FAILED' })).toMatchObject({ word: 'Partly failed', tone: 'failed' })
  expect(showJob({ ...ended, outcome: 'FAILED' }).word).toBe('Failed')
})

test('a job that all of its devices refused says so, in the colour of refusals', () => {
  const failed = { status: 'COMPLETED', outcome: 'FAILED', endTime: '2026-03-01T06:30:00Z' } as const
  const counted = (refusedCount: number) =>
    showJob({ ...failed, deviceJobStatistics: { deviceCount: 20, refusedCount } })
  expect(counted(20)).toMatchObject({ word: 'Refused by all', tone: 'refused' })
  expect(counted(19).word).toBe('Failed')
  expect(showJob({ ...failed, deviceJobStatistics: null }).word).toBe('Failed')
})

test('a job that met no device did not succeed', () => {
  const ended = { status: 'COMPLETED', endTime: '2026-03-01T06:30:00Z' } as const
  expect(showJob({ ...ended, outcome: 'NO_DEVICES' })).toMatchObject({ word: 'No devices', tone: 'pending' })
})

test('a cancelled job is cancelling until its last call has ended', () => {
  expect(showJob({ status: 'PAUSED', outcome: null, endTime: null }).word).toBe('Paused')
  expect(showJob({ status: 'CANCELLED', outcome: null, endTime: null }).word).toBe('Cancelling')
  expect(showJob({ status: 'CANCELLED', outcome: 'CANCELLED', endTime: '2026-03-01T06:30:00Z' }).word).toBe('Cancelled')
})

test('no two states of a device job look or read alike', () => {
  const shown = (['PENDING', 'RUNNING', 'SUCCEEDED', 'REFUSED', 'FAILED', 'CANCELLED'] as const).map((result) =>
    showResult(result),
  )
  for (const sign of ['tone', 'icon', 'word'] as const) {
    expect(new Set(shown.map((one) => one[sign])).size).toBe(shown.length)
  }
})

test('a device that was skipped has succeeded, in another word', () => {
  expect(showResult('SUCCEEDED', true)).toEqual({ ...showResult('SUCCEEDED'), word: 'Skipped' })
})

test('the parts of a bar are all devices together, and its sentence names those that there are', () => {
  expect(partsOf(statistics).reduce((sum, { count }) => sum + count, 0)).toBe(statistics.deviceCount)
  expect(endedOf(statistics)).toBe(1_000)
  expect(describeStatistics({ ...statistics, cancelledCount: 0 }, String)).toBe(
    '960 of 1010 finished: 900 succeeded, 60 failed, 7 running, 3 pending',
  )
  expect(describeStatistics({ ...statistics, deviceCount: 0 }, String)).toBe('No devices yet')
})

test('devices on which a job was cancelled have not finished', () => {
  expect(finishedIn(statistics)).toBe(960)
  expect(describeStatistics(statistics, String)).toMatch(/^960 of 1010 finished: .*40 cancelled/)
})

test('devices that refused are not among those that succeeded', () => {
  const refused = { ...statistics, refusedCount: 25 }
  expect(describeStatistics(refused, String)).toBe(
    '960 of 1010 finished: 875 succeeded, 25 refused, 60 failed, 40 cancelled, 7 running, 3 pending',
  )
  expect(describeCount(refused, 'succeeded', String)).toBe('875')
})

test('devices that the hub does not count for the viewer are not shown as zero', () => {
  expect(describeCount(statistics, 'refused', String)).toBe('0')
  expect(describeCount(null, 'refused', String)).toBe('–')
})

test('a job without devices says why', () => {
  const failed = { outcome: 'FAILED', matchedCount: 1_001, maxDevices: 1_000 } as const
  expect(describeEmpty(failed, formatCount)).toBe('Not started: 1,001 devices, limit 1,000')
  expect(describeEmpty({ ...failed, matchedCount: null }, formatCount)).toBe('Not started')
  expect(describeEmpty({ ...failed, outcome: 'NO_DEVICES', matchedCount: null }, formatCount)).toBe('No devices')
})
