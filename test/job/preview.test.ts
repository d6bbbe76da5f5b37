import { describe, expect, test } from 'vitest'
import { ExpectationFailedError } from '../../src/errors.ts'
import { withoutLimits } from '../../src/job/job-limits.ts'
import {
  commonPaths,
  expectedSeconds,
  overlapsOf,
  type PreviewCount,
  requireExpected,
  typicalPace,
} from '../../src/job/preview.ts'
import { checkPreviewRequest, type PreviewRequestInput } from '../../src/job/request.ts'
import { defaultLimits } from '../../src/limits/limits.ts'

const exactly = (value: number): PreviewCount => ({ value, precision: 'exact' })
const atLeast = (value: number): PreviewCount => ({ value, precision: 'atLeast' })

describe('two patches meet', () => {
  test.each([
    ['at a path both write', { tags: { a: 1 } }, { tags: { a: 2, b: 3 } }, ['tags.a']],
    ['where one writes what the other deletes', { tags: { a: null } }, { tags: { a: 2 } }, ['tags.a']],
    ['below a path that one replaces', { tags: { a: 1 } }, { tags: { a: { b: 1 } } }, ['tags.a.b']],
    [
      'below an empty object',
      { desired: { a: { b: {} } } },
      { desired: { a: { b: { c: 1 } } } },
      ['properties.desired.a.b.c'],
    ],
    ['at names that need brackets', { tags: { in: 1 } }, { tags: { in: 2 } }, ['tags.[[in]]']],
    ['nowhere in different sections', { tags: { a: 1 } }, { desired: { a: 1 } }, []],
    ['nowhere at names that begin alike', { tags: { a: 1 } }, { tags: { ab: 1 } }, []],
    ['nowhere in different members of one object', { tags: { a: { b: 1 } } }, { tags: { a: { c: 1 } } }, []],
    ['at several paths, in order', { tags: { b: 1, a: 1 } }, { tags: { a: 1, b: 1 } }, ['tags.a', 'tags.b']],
  ])('%s', (_where, one, other, paths) => {
    expect(commonPaths(one, other)).toEqual(paths)
    expect(commonPaths(other, one)).toEqual(paths)
  })
})

describe('overlaps', () => {
  const startTime = new Date('2026-01-01T00:00:00Z')
  const times = { startTime, startedTime: startTime, deadline: new Date('2026-01-01T01:00:00Z') }
  const job = { ...times, id: 'a', patch: { tags: { a: 1 } } }
  const methodJob = { ...times, id: 'b', patch: null }
  const request = {
    updateTwin: { tags: { a: 2 } },
    onOverlap: 'parallel',
    startTime,
    maxExecutionTimeInSeconds: 60,
  } as const

  test('are the jobs with devices in common, and those of which that is not known', () => {
    const counts = new Map([
      ['a', exactly(0)],
      ['b', atLeast(0)],
    ])
    expect(overlapsOf([job, methodJob], counts, { ...request, onOverlap: 'queue' })).toEqual([
      { jobId: 'b', deviceCount: atLeast(0), propertyPaths: [], blocksStart: false },
    ])
  })

  test('have paths when both patch twins', () => {
    const counts = new Map([['a', exactly(3)]])
    expect(overlapsOf([job], counts, request)).toMatchObject([{ propertyPaths: ['tags.a'] }])
    expect(overlapsOf([job], counts, { ...request, updateTwin: undefined })).toMatchObject([{ propertyPaths: [] }])
  })

  test('keep a job from starting as its policy says', () => {
    const counts = new Map([['a', atLeast(1)]])
    const blocks = (onOverlap: 'parallel' | 'queue' | 'refuse') =>
      overlapsOf([job], counts, { ...request, onOverlap }).map(({ blocksStart }) => blocksStart)
    expect([blocks('parallel'), blocks('queue'), blocks('refuse')]).toEqual([[false], [true], [true]])
  })
})

describe('the usual pace', () => {
  test('is unknown without jobs that had devices', () => {
    expect(typicalPace([])).toBeUndefined()
    expect(typicalPace([{ deviceCount: 0, seconds: 5 }])).toBeUndefined()
  })

  test('is that of most devices: neither a tiny job nor one that waited for a few decides', () => {
    const jobs = [
      { deviceCount: 1, seconds: 0 },
      { deviceCount: 1000, seconds: 10 },
      { deviceCount: 3, seconds: 3600 },
    ]
    expect(typicalPace(jobs)).toBe(100)
  })
})

describe('the expected duration', () => {
  test.each([
    ['nothing is known without a pace', exactly(10), [undefined, undefined], null],
    ['nothing is known without a count', atLeast(10), [5], null],
    ['the only known pace counts', exactly(10), [undefined, 5], 2],
    ['the slower pace counts', exactly(10), [10, 5], 2],
    ['no devices take no time', exactly(0), [5], 0],
    ['a job ends when its time is up', exactly(1_000_000), [5], 600],
  ])('%s', (_rule, count, paces, seconds) => {
    expect(expectedSeconds(count, paces, withoutLimits, 600)).toBe(seconds)
  })

  test('is that at the rate of the job if that is slower, with a ramp as if every device succeeds', () => {
    const rate = { maxPerMinute: 120, ramp: null }
    expect(expectedSeconds(exactly(10), [5], rate, 600)).toBe(5)
    expect(expectedSeconds(exactly(10), [], rate, 600)).toBe(5)
    const ramp = { from: 60, factor: 10, afterSucceeded: 4 }
    expect(expectedSeconds(exactly(10), [1.5], { ...rate, ramp }, 600)).toBe(4 + 6 / 1.5)
  })
})

describe('an expectation', () => {
  const set = { deviceCount: 3, fingerprint: '0'.repeat(24) }
  const check = (expect: { fingerprint?: string; maxDevices?: number }) =>
    requireExpected({ fingerprint: undefined, maxDevices: undefined, ...expect }, set)

  test('is met by the same devices, and by as many as there may be', () => {
    expect(() => check({})).not.toThrow()
    expect(() => check({ fingerprint: set.fingerprint, maxDevices: 3 })).not.toThrow()
  })

  test.each([
    ['other devices', { fingerprint: 'f'.repeat(24) }, 'different devices'],
    ['too many', { maxDevices: 2 }, 'limited to 2'],
  ])('fails with %s, and tells how many there are and which', (_what, expected, message) => {
    expect(() => check(expected)).toThrow(ExpectationFailedError)
    expect(() => check(expected)).toThrow(
      expect.objectContaining({ ...set, message: expect.stringContaining(message) }),
    )
  })
})

describe('a job that is thought of', () => {
  const now = new Date('2026-01-01T00:00:00Z')
  const check = (input: PreviewRequestInput) => checkPreviewRequest(input, now, defaultLimits)

  test('may leave open what it will do', () => {
    expect(check({ queryCondition: '*' })).toEqual({
      queryCondition: '*',
      waves: [],
      maxExecutionTimeInSeconds: 3600,
      connectTimeoutInSeconds: 0,
      targets: 'atStart',
      onOverlap: 'parallel',
      longestCall: 0,
      startTime: now,
      skipCompliant: false,
      limits: withoutLimits,
    })
  })

  test('has the type of what it will do', () => {
    expect(check({ queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot' } }).type).toBe(
      'scheduleDeviceMethod',
    )
    expect(check({ queryCondition: '*', updateTwin: { tags: { a: 1 } } })).toMatchObject({
      type: 'scheduleUpdateTwin',
      updateTwin: { tags: { a: 1 } },
    })
  })

  test.each<[string, Omit<PreviewRequestInput, 'queryCondition'>, string[]]>([
    ['both', { cloudToDeviceMethod: { methodName: 'm' }, updateTwin: { tags: { a: 1 } } }, ['updateTwin']],
    ['a bad method', { cloudToDeviceMethod: { methodName: '' } }, ['cloudToDeviceMethod', 'methodName']],
    ['an empty patch', { updateTwin: {} }, ['updateTwin']],
    ['a start too far ahead', { startTime: new Date('2027-01-01T00:00:00Z') }, ['startTime']],
    ['a job without time', { maxExecutionTimeInSeconds: 0 }, ['maxExecutionTimeInSeconds']],
    ['an empty name', { name: '' }, ['name']],
    ['a bad label', { labels: [{ name: 'a b', value: '' }] }, ['labels', '0', 'name']],
    ['a rate of 0', { rollout: { maxPerMinute: 0 } }, ['rollout', 'maxPerMinute']],
    ['a bad abort rule', { rollout: { abort: [{}] } }, ['rollout', 'abort', '0', 'on']],
    [
      'a limit of calls for twin updates',
      { updateTwin: { tags: { a: 1 } }, rollout: { maxConcurrent: 1 } },
      ['rollout', 'maxConcurrent'],
    ],
  ])('is refused as its scheduling would be: %s', (_what, input, path) => {
    expect(() => check({ queryCondition: '*', ...input })).toThrow(expect.objectContaining({ path }))
  })

  test('is told plainly that it can do one thing only', () => {
    const both = { cloudToDeviceMethod: { methodName: 'm' }, updateTwin: { tags: { a: 1 } } }
    expect(() => check({ queryCondition: '*', ...both })).toThrow('Give cloudToDeviceMethod or updateTwin, not both.')
  })
})
