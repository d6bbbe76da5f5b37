import { describe, expect, test } from 'vitest'
import { InvalidInputError, QueryConditionError } from '../../src/errors.ts'
import { checkJobRequest, type JobRequestInput } from '../../src/job/request.ts'
import { defaultLimits } from '../../src/limits/limits.ts'

const now = new Date('2024-05-01T10:00:00Z')
const day = 24 * 60 * 60 * 1000
const methodJob: JobRequestInput = {
  type: 'scheduleDeviceMethod',
  queryCondition: '*',
  cloudToDeviceMethod: { methodName: 'reboot' },
}
const twinJob: JobRequestInput = {
  type: 'scheduleUpdateTwin',
  queryCondition: "tags.site = 'north'",
  updateTwin: { tags: { wave: 2 }, properties: { desired: { a: null } } },
}

const unnamed = {
  name: null,
  description: null,
  labels: null,
  limits: { maxPerMinute: null, ramp: null, maxConcurrent: null, budgetGroupBy: null, budgetMaxConcurrent: null },
  rollout: null,
}

const check = (input: JobRequestInput) => checkJobRequest(input, now, () => 'made-id', defaultLimits)

function refusal(input: JobRequestInput): { path: string; message: string } {
  try {
    check(input)
  } catch (error) {
    if (error instanceof InvalidInputError) return { path: error.path.join('/'), message: error.message }
    throw error
  }
  throw new Error('not refused')
}

describe('what is left out', () => {
  test('of a method job falls to its default', () => {
    expect(check(methodJob)).toEqual({
      jobId: 'made-id',
      type: 'scheduleDeviceMethod',
      queryCondition: '*',
      startTime: now,
      maxExecutionTimeInSeconds: 3600,
      ...unnamed,
      targets: 'atStart',
      onOverlap: 'parallel',
      rollout: null,
      skipCompliant: false,
      cloudToDeviceMethod: {
        methodName: 'reboot',
        payload: null,
        responseTimeoutInSeconds: 30,
        connectTimeoutInSeconds: 0,
      },
    })
  })

  test('of a twin job too, null being as good as nothing', () => {
    const nulls = { jobId: null, startTime: null, maxExecutionTimeInSeconds: null, cloudToDeviceMethod: null }
    expect(check({ ...twinJob, ...nulls })).toEqual({
      jobId: 'made-id',
      type: 'scheduleUpdateTwin',
      queryCondition: "tags.site = 'north'",
      startTime: now,
      maxExecutionTimeInSeconds: 3600,
      ...unnamed,
      targets: 'atStart',
      onOverlap: 'parallel',
      rollout: null,
      skipCompliant: false,
      updateTwin: { tags: { wave: 2 }, desired: { a: null } },
    })
  })
})

describe('the time at which a job selects its devices', () => {
  test.each(['atCreation', 'continuous'])('may be %s', (targets) => {
    expect(check({ ...methodJob, targets }).targets).toBe(targets)
  })

  test('is not continuous for a job whose devices name the time zones of its window', () => {
    const rollout = { window: { from: '02:00', to: '04:00', timeZoneFrom: 'tags.timeZone' } }
    expect(refusal({ ...methodJob, targets: 'continuous', rollout }).path).toBe('rollout/window/timeZoneFrom')
  })

  test('is not continuous for a job with waves', () => {
    const rollout = { waves: [{ devices: 1 }, {}] }
    for (const job of [methodJob, twinJob]) {
      expect(refusal({ ...job, targets: 'continuous', rollout }).path).toBe('rollout/waves')
    }
  })

  test('is not continuous for a call with a connection timeout', () => {
    const cloudToDeviceMethod = { methodName: 'reboot', connectTimeoutInSeconds: 5 }
    const { path } = refusal({ ...methodJob, targets: 'continuous', cloudToDeviceMethod })
    expect(path).toBe('cloudToDeviceMethod/connectTimeoutInSeconds')
  })

  test.each(['AT_CREATION', 'later', 1, {}])('is not %s', (targets) => {
    expect(refusal({ ...methodJob, targets })).toEqual({
      path: 'targets',
      message: 'targets must be AT_START, AT_CREATION or CONTINUOUS.',
    })
  })
})

describe('a job id', () => {
  test.each(['a', 'upd-FW-7', 'queries', 'x'.repeat(64)])('may be %s, and none is made then', (jobId) => {
    expect(
      checkJobRequest({ ...methodJob, jobId }, now, () => expect.fail('an id was given'), defaultLimits).jobId,
    ).toBe(jobId)
  })

  test.each([[''], ['x'.repeat(65)], ['a b'], ['a_b'], ['ä'], ['a\n'], ['query'], ['QUERY'], [7]])(
    'may not be %j',
    (jobId) => {
      expect(refusal({ ...methodJob, jobId }).path).toBe('jobId')
    },
  )
})

describe('a query condition', () => {
  test('that does not parse is refused with its place', () => {
    expect(() => check({ ...methodJob, queryCondition: "tags.site = 'north' AND" })).toThrow(QueryConditionError)
    expect(() => check({ ...methodJob, queryCondition: '' })).toThrow(QueryConditionError)
    expect(() => check({ ...methodJob, queryCondition: "tags.a = '\0'" })).toThrow(QueryConditionError)
  })

  test('that is no text is refused', () => {
    expect(refusal({ ...methodJob, queryCondition: undefined }).path).toBe('queryCondition')
  })

  test('is kept as it was written', () => {
    const queryCondition = "  tags.site='north'  "
    expect(check({ ...methodJob, queryCondition }).queryCondition).toBe(queryCondition)
  })
})

describe('a start time', () => {
  test('in the past is now', () => {
    expect(check({ ...methodJob, startTime: new Date(0) }).startTime).toBe(now)
  })

  test('in the future is kept, up to 30 days ahead', () => {
    const last = new Date(now.getTime() + 30 * day)
    expect(check({ ...methodJob, startTime: last }).startTime).toEqual(last)
    expect(refusal({ ...methodJob, startTime: new Date(last.getTime() + 1) })).toEqual({
      path: 'startTime',
      message: expect.stringContaining('30 days'),
    })
  })

  test('that is no date is refused', () => {
    expect(refusal({ ...methodJob, startTime: new Date('x') }).path).toBe('startTime')
  })
})

describe('the time a job may take', () => {
  test.each([1, 120, 30 * 86400])('may be %i seconds', (seconds) => {
    expect(check({ ...methodJob, maxExecutionTimeInSeconds: seconds }).maxExecutionTimeInSeconds).toBe(seconds)
  })

  test.each([[0], [-1], [1.5], [30 * 86400 + 1], ['60'], [Number.NaN]])('may not be %j', (seconds) => {
    expect(refusal({ ...methodJob, maxExecutionTimeInSeconds: seconds }).path).toBe('maxExecutionTimeInSeconds')
  })
})

describe('what a job does', () => {
  test.each<readonly [sentence: string, input: JobRequestInput, path: string]>([
    ['no method', { ...methodJob, cloudToDeviceMethod: undefined }, 'cloudToDeviceMethod'],
    ['a method that is no object', { ...methodJob, cloudToDeviceMethod: [] }, 'cloudToDeviceMethod'],
    [
      'a bad method name',
      { ...methodJob, cloudToDeviceMethod: { methodName: 'a/b' } },
      'cloudToDeviceMethod/methodName',
    ],
    [
      'a bad timeout',
      { ...methodJob, cloudToDeviceMethod: { methodName: 'm', responseTimeoutInSeconds: 4 } },
      'cloudToDeviceMethod/responseTimeoutInSeconds',
    ],
    ['no patch', { ...twinJob, updateTwin: null }, 'updateTwin'],
    ['an empty patch', { ...twinJob, updateTwin: {} }, 'updateTwin'],
    ['a patch of empty sections', { ...twinJob, updateTwin: { tags: {}, properties: { desired: {} } } }, 'updateTwin'],
    ['a bad key', { ...twinJob, updateTwin: { tags: { 'a.b': 1 } } }, 'updateTwin/tags/a.b'],
    [
      'reported properties',
      { ...twinJob, updateTwin: { properties: { reported: { a: 1 } } } },
      'updateTwin/properties/reported',
    ],
    ['a patch in a method job', { ...methodJob, updateTwin: { tags: { a: 1 } } }, 'updateTwin'],
    ['devices to skip in a method job', { ...methodJob, skipCompliant: true }, 'skipCompliant'],
    ['devices to skip that are no choice', { ...twinJob, skipCompliant: 'yes' }, 'skipCompliant'],
    ['a method in a twin job', { ...twinJob, cloudToDeviceMethod: { methodName: 'm' } }, 'cloudToDeviceMethod'],
  ])('with %s is refused with its path', (_sentence, input, path) => {
    expect(refusal(input).path).toBe(path)
  })

  test('a twin update can skip devices, and a method call can say that it does not', () => {
    expect(check({ ...twinJob, skipCompliant: true })).toMatchObject({ skipCompliant: true })
    expect(check({ ...methodJob, skipCompliant: false })).toMatchObject({ skipCompliant: false })
  })

  test('a patch that only deletes is a patch', () => {
    expect(check({ ...twinJob, updateTwin: { tags: { a: null } } })).toMatchObject({
      updateTwin: { tags: { a: null } },
    })
  })
})

describe('what is expected', () => {
  const fingerprint = '0000001938f2a5c107be64d2'

  test('is kept, null being as good as nothing', () => {
    expect(check({ ...twinJob, expect: { fingerprint, maxDevices: 0 } }).expect).toEqual({ fingerprint, maxDevices: 0 })
    expect(check({ ...twinJob, expect: { fingerprint: null, maxDevices: null } }).expect).toEqual({})
    expect(check({ ...twinJob, expect: null }).expect).toBeUndefined()
  })

  test.each([
    ['no object', 'yes', 'expect'],
    ['a short fingerprint', { fingerprint: fingerprint.slice(1) }, 'expect/fingerprint'],
    ['a fingerprint in capitals', { fingerprint: fingerprint.toUpperCase() }, 'expect/fingerprint'],
    ['half a device', { maxDevices: 0.5 }, 'expect/maxDevices'],
    ['a negative number', { maxDevices: -1 }, 'expect/maxDevices'],
    ['more than a column holds', { maxDevices: 2 ** 31 }, 'expect/maxDevices'],
  ])('is refused when it is %s', (_what, expected, path) => {
    expect(refusal({ ...twinJob, expect: expected }).path).toBe(path)
  })
})
