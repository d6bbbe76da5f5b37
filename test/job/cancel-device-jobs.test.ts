import { describe, expect, test } from 'vitest'
import { ConflictError, InvalidInputError, QueryConditionError } from '../../src/errors.ts'
import { checkDeviceJobCancellation, requireCancellable } from '../../src/job/cancel-device-jobs.ts'
import type { JobStatus } from '../../src/job/state.ts'

const check = (input: object) => checkDeviceJobCancellation({ jobId: 'job', ...input })

describe('a request', () => {
  test('names one device, or a condition, of which * is every device', () => {
    expect(check({ deviceId: 'pump', reason: 'on loan' })).toEqual({ part: { deviceId: 'pump' }, reason: 'on loan' })
    expect(check({ deviceId: null, queryCondition: '*' })).toEqual({
      part: { queryCondition: '*', condition: undefined },
      reason: null,
    })
    expect(check({ queryCondition: "deviceId = 'pump'" }).part).toMatchObject({
      queryCondition: "deviceId = 'pump'",
      condition: { values: expect.arrayContaining(['pump']) },
    })
  })

  test.each([
    ['neither', {}, ['deviceId']],
    ['both', { deviceId: 'pump', queryCondition: '*' }, ['queryCondition']],
    ['a reason that is too long', { deviceId: 'pump', reason: 'x'.repeat(1_025) }, ['reason']],
  ])('with %s is refused', (_what, input, path) => {
    expect(() => check(input)).toThrow(InvalidInputError)
    expect(() => check(input)).toThrow(expect.objectContaining({ path }))
  })

  test('with a condition that does not parse is refused', () => {
    expect(() => check({ queryCondition: 'tags.' })).toThrow(QueryConditionError)
  })
})

describe('a job', () => {
  const startedTime = new Date('2026-01-01T00:00:00Z')

  test.each<JobStatus>(['running', 'paused'])('that has started and is %s has devices to cancel', (status) => {
    expect(() => requireCancellable({ id: 'job', status, startedTime })).not.toThrow()
  })

  test.each<[JobStatus, Date | null, string]>([
    ['scheduled', null, 'not started'],
    ['queued', null, 'not started'],
    ['paused', null, 'not started'],
    ['cancelled', startedTime, 'cancelled'],
    ['completed', startedTime, 'ended'],
    ['failed', null, 'ended'],
  ])('that is %s and started at %s has no devices to cancel', (status, started, why) => {
    const refused = () => requireCancellable({ id: 'job', status, startedTime: started })
    expect(refused).toThrow(ConflictError)
    expect(refused).toThrow(why)
  })
})
