import { expect, test } from 'vitest'
import { emptyDraft } from '../../../src/console/pages/schedule/draft.ts'
import {
  describeCount,
  describeDevices,
  describeDraftedAct,
  describeJob,
  describeLimit,
  isEveryDevice,
  startOf,
  warningsOf,
} from '../../../src/console/pages/schedule/summary.ts'

const exactly = (value: number) => ({ value, precision: 'EXACT' }) as const
const atLeast = (value: number) => ({ value, precision: 'AT_LEAST' }) as const
const request = {
  queryCondition: 'tags.a = 1',
  maxExecutionTimeInSeconds: 3_600,
  cloudToDeviceMethod: { methodName: 'reboot' },
}
const now = Date.parse('2026-03-01T00:00:00Z')

test('a count says how far it can be relied upon', () => {
  expect(describeCount(exactly(1_234))).toBe('1,234')
  expect(describeDevices(exactly(1))).toBe('1 device')
  expect(describeDevices(atLeast(10_000))).toBe('at least 10,000 devices')
  expect(describeDevices(atLeast(0))).toBe('an unknown number of devices')
})

test('a job is described in one sentence', () => {
  const found = { deviceCount: exactly(412), connectedCount: exactly(398) }
  expect(describeJob(request, found)).toBe('Calls reboot on 412 devices (398 connected) now, for up to 1 h.')
  const { cloudToDeviceMethod: _, ...rest } = request
  const patch = { ...rest, startTime: '2026-03-01T00:00:00Z', updateTwin: { tags: { site: 'north' } } }
  expect(describeJob(patch, undefined)).toMatch(
    /^Changes tags\.site on the matching devices at .*2026.*, for up to 1 h\.$/,
  )
})

test('the operation of a draft is described as soon as it is known', () => {
  expect(describeDraftedAct(emptyDraft)).toBeUndefined()
  expect(describeDraftedAct({ ...emptyDraft, methodName: 'reboot', payload: '{' })).toBe('Calls reboot')
  expect(describeDraftedAct({ ...emptyDraft, operation: 'twin' })).toBeUndefined()
  expect(describeDraftedAct({ ...emptyDraft, operation: 'twin', desired: '{"a":1}' })).toBe('Changes desired.a')
})

test('the times of a draft are described when they can be read', () => {
  expect(startOf(emptyDraft)).toEqual({ moment: undefined })
  expect(startOf({ ...emptyDraft, start: 'later' })).toBeUndefined()
  expect(describeLimit(emptyDraft)).toBe('1 h')
  expect(describeLimit({ ...emptyDraft, maxTime: 'x' })).toBeUndefined()
})

test('nobody, everybody and others on the same devices are worth a warning', () => {
  const warnings = (condition: string, count: number, overlaps: number) =>
    warningsOf(
      { ...request, queryCondition: condition },
      { deviceCount: exactly(count), overlaps: Array(overlaps).fill({}) },
      now,
    )
  expect(warnings('tags.a = 1', 5, 0)).toEqual([])
  expect(warnings('tags.a = 1', 0, 0)).toEqual(['No devices match now: the job would end immediately.'])
  expect(warnings(' * ', 5, 2)).toEqual([
    'This job targets every device of the hub.',
    '2 other active jobs target some of these devices.',
  ])
})

test('a start that has passed is worth a warning', () => {
  const at = (startTime: string) =>
    warningsOf({ ...request, startTime }, { deviceCount: exactly(1), overlaps: [] }, now).length
  expect(at('2026-02-28T23:59:00Z')).toBe(1)
  expect(at('2026-03-01T00:01:00Z')).toBe(0)
})

test('a condition that leaves nobody out is known by its spelling', () => {
  expect(['*', ' FROM devices '].map(isEveryDevice)).toEqual([true, true])
  expect(["tags.a = '*'", 'FROM devices WHERE tags.a = 1'].map(isEveryDevice)).toEqual([false, false])
})
