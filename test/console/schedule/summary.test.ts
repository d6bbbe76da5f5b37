import { expect, test } from 'vitest'
import { emptyDraft, emptyRule } from '../../../src/console/pages/schedule/draft.ts'
import {
  describeCount,
  describeDevices,
  describeDraftedAct,
  describeDraftedNaming,
  describeDraftedPace,
  describeExpectedTime,
  describeJob,
  describeLimit,
  describeRollout,
  describeShortestTime,
  isEveryDevice,
  isPaced,
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

test('the expected time of a job says what devices that are offline can make of it', () => {
  const time = (devices: number, connected: number, seconds: number | null, wait: number | null) =>
    describeExpectedTime({
      deviceCount: exactly(devices),
      connectedCount: exactly(connected),
      expectedDurationInSeconds: seconds,
      maxOfflineWaitInSeconds: wait,
    })
  expect(time(50, 50, 6, null)).toBe('About 6 s')
  expect(time(50, 49, 6, 3_600)).toBe('About 6 s for 49 devices; up to 1 h for 1 that is offline')
  expect(time(50, 1, 0.1, 30)).toBe('Less than 1 s for 1 device; up to 30 s for 49 that are offline')
  expect(time(50, 40, null, 60)).toBe('Unknown for 40 devices; up to 1 min for 10 that are offline')
  expect(time(3, 0, 0, 3_600)).toBe('Up to 1 h, because no device is connected')
  const capped = { deviceCount: atLeast(10_000), connectedCount: atLeast(9_000) }
  expect(describeExpectedTime({ ...capped, expectedDurationInSeconds: null, maxOfflineWaitInSeconds: 3_600 })).toBe(
    'Unknown; up to 1 h for devices that are offline',
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
      { deviceCount: exactly(count), overlaps: Array(overlaps).fill({}), shortestDurationInSeconds: null },
      now,
    )
  expect(warnings('tags.a = 1', 5, 0)).toEqual([])
  expect(warnings('tags.a = 1', 0, 0)).toEqual(['No devices match now: the job would end immediately.'])
  expect(warnings(' * ', 5, 2)).toEqual([
    'This job targets every device of the hub.',
    '2 other active jobs target some of these devices.',
  ])
})

test('a continuous job says that it waits for devices', () => {
  const continuous = { ...request, targets: 'CONTINUOUS' } as const
  const found = { deviceCount: exactly(412), connectedCount: exactly(398) }
  expect(describeJob(continuous, found)).toBe(
    'Calls reboot on 412 devices (398 connected) now and on each that starts to match, for 1 h.',
  )
  const none = { deviceCount: exactly(0), overlaps: [], shortestDurationInSeconds: null }
  expect(warningsOf(continuous, none, now)).toEqual([
    'No devices match now: the job would wait for devices that start to match.',
  ])
})

test('a job whose devices are selected before its start does not hope for others', () => {
  const later = { ...request, startTime: '2026-03-01T00:01:00Z' }
  const none = { deviceCount: exactly(0), overlaps: [], shortestDurationInSeconds: null }
  expect(warningsOf(later, none, now)).toEqual([
    'No devices match now: the job would end immediately. Devices may still match when it starts.',
  ])
  expect(warningsOf({ ...later, targets: 'AT_CREATION' }, none, now)).toEqual([
    'No devices match now: the job would end immediately.',
  ])
})

test('a start that has passed is worth a warning', () => {
  const at = (startTime: string) =>
    warningsOf(
      { ...request, startTime },
      { deviceCount: exactly(1), overlaps: [], shortestDurationInSeconds: 3_600 },
      now,
    ).length
  expect(at('2026-02-28T23:59:00Z')).toBe(1)
  expect(at('2026-03-01T00:01:00Z')).toBe(0)
})

test('a condition that leaves nobody out is known by its spelling', () => {
  expect(['*', ' FROM devices '].map(isEveryDevice)).toEqual([true, true])
  expect(["tags.a = '*'", 'FROM devices WHERE tags.a = 1'].map(isEveryDevice)).toEqual([false, false])
})

test('the limits and rules of a request are sentences', () => {
  const rule = { on: ['FAILED'], percent: 3, action: 'PAUSE' } as const
  expect(describeRollout({ maxPerMinute: 1, maxConcurrent: 1, abort: [rule, { ...rule, afterDevices: 100 }] })).toEqual(
    [
      'At most 1 device per minute',
      'At most 1 call in progress',
      'Pause when 3 % failed',
      'Pause when 3 % failed, after 100 devices',
    ],
  )
  expect(describeRollout({})).toEqual([])
  const gate = { succeededPercent: 90, soakSeconds: 600, approval: true, onFailure: 'CANCEL' } as const
  const waves = [{ devices: 10, gate }, { percent: 5, gate: { soakSeconds: 60 } }, { queryCondition: 'tags.a = 1' }, {}]
  expect(describeRollout({ waves }, [10, 5, 0, 85])).toEqual([
    'Wave 1: 10 devices. The next opens 10 min after 90 % succeeded, if somebody else approves. The job is cancelled if fewer succeed',
    'Wave 2: 5 % of the devices (5). The next opens 1 min after all have finished',
    'Wave 3: devices with tags.a = 1 (0)',
    'Wave 4: the rest (85)',
  ])
  expect(describeRollout({ waves: waves.slice(3) })).toEqual(['Wave 1: the rest'])
  expect(describeRollout({ approval: true })).toEqual(['Starts when somebody else has approved it'])
})

test('a rate says how long the job takes at least, and whether it has that time', () => {
  const paced = { ...request, rollout: { maxPerMinute: 600 } }
  const time = (deviceCount: ReturnType<typeof exactly> | ReturnType<typeof atLeast>, seconds: number | null) =>
    describeShortestTime(paced, { deviceCount, shortestDurationInSeconds: seconds })
  expect(time(exactly(10_000), 1_014.2)).toBe('10,000 devices at 600 per minute: at least 16 min 54 s')
  expect(time(atLeast(10_000), 1_014.2)).toBe('at least 10,000 devices at 600 per minute: at least 16 min 54 s')
  expect(time(exactly(5), 0)).toBe('5 devices at 600 per minute: less than 1 s')
  const ramped = { ...request, rollout: { maxPerMinute: 600, ramp: { from: 10, afterSucceeded: 50 } } }
  expect(describeShortestTime(ramped, { deviceCount: exactly(5), shortestDurationInSeconds: 29 })).toBe(
    '5 devices at 10 to 600 per minute: at least 29 s',
  )
  expect(describeShortestTime(request, { deviceCount: exactly(5), shortestDurationInSeconds: null })).toBeUndefined()
  const warnings = (seconds: number) =>
    warningsOf(paced, { deviceCount: exactly(5), overlaps: [], shortestDurationInSeconds: seconds }, now)
  expect(warnings(3_600)).toEqual([])
  expect(warnings(9_600)).toEqual([
    'At this rate, the job needs at least 2 h 40 min, but its time limit is 1 h. Devices that have not had their turn by then fail.',
  ])
})

test('limits of calls do not count for a twin update', () => {
  const limits = [
    { maxConcurrent: '20' },
    { budgetGroupBy: 'tags.site' },
    { budgetMaxConcurrent: '1' },
    { retryAttempts: '3' },
  ]
  for (const limit of limits) {
    expect(isPaced({ ...emptyDraft, ...limit })).toBe(true)
    expect(isPaced({ ...emptyDraft, ...limit, operation: 'twin' })).toBe(false)
  }
  expect(isPaced({ ...emptyDraft, maxPerMinute: '600', operation: 'twin' })).toBe(true)
  expect(isPaced({ ...emptyDraft, rampFrom: '10', operation: 'twin' })).toBe(true)
})

test('what is folded away is said in a few words', () => {
  expect(describeDraftedPace(emptyDraft)).toBe('No limits, no abort rules')
  const abort = [emptyRule]
  const budget = { budgetGroupBy: 'tags.site', budgetMaxConcurrent: '1' }
  const paced = { ...emptyDraft, maxPerMinute: '1200', maxConcurrent: '20', ...budget, retryAttempts: '3', abort }
  expect(describeDraftedPace(paced)).toBe(
    '1,200 per minute · 20 in progress · 1 in progress per tags.site · up to 3 attempts · 1 abort rule',
  )
  expect(describeDraftedPace({ ...paced, operation: 'twin' })).toBe('1,200 per minute · 1 abort rule')
  expect(describeDraftedPace({ ...emptyDraft, maxPerMinute: '600', rampFrom: '10' })).toBe('10 to 600 per minute')
  expect(describeDraftedPace({ ...emptyDraft, approval: true })).toBe('needs approval')
  expect(describeDraftedPace({ ...emptyDraft, budgetMaxConcurrent: '5' })).toBe('No limits, no abort rules')
  expect(describeDraftedNaming(emptyDraft)).toBe('No name, no labels')
  const labels = [
    { name: 'team', value: 'north' },
    { name: ' ', value: '' },
  ]
  expect(describeDraftedNaming({ ...emptyDraft, name: ' Night ', labels })).toBe('Night · team=north')
})
