import { describe, expect, test } from 'vitest'
import { InvalidInputError } from '../../src/errors.ts'
import { checkRetry, type RetryInput } from '../../src/job/retry.ts'

const now = new Date('2026-01-01T00:00:00Z')
const check = (input: Omit<RetryInput, 'jobId'>) => checkRetry({ jobId: 'job', ...input }, now, () => 'made')

describe('which device jobs', () => {
  test.each<[string, Omit<RetryInput, 'jobId'>, object]>([
    ['those that failed, when nothing is said', {}, { status: ['failed'] }],
    ['null is as good as nothing', { status: null, errorCode: null, responseStatus: null }, { status: ['failed'] }],
    ['by error code', { errorCode: ['A', 'B', 'A'] }, { status: ['failed'], errorCode: ['A', 'B'] }],
    ['by what the device answered', { responseStatus: [500] }, { status: ['completed'], responseStatus: [500] }],
    ['several statuses', { status: ['canceled', 'failed'] }, { status: ['canceled', 'failed'] }],
  ])('%s', (_what, input, selection) => {
    expect(check(input).selection).toEqual(selection)
  })
})

test('what is left out is made, or left to the job', () => {
  expect(check({})).toMatchObject({
    newJobId: 'made',
    queryCondition: '*',
    startTime: now,
    maxExecutionTimeInSeconds: undefined,
    reason: null,
  })
})

describe('refused, with the path', () => {
  test.each<[string, Omit<RetryInput, 'jobId'>, string]>([
    ['device jobs that wait', { status: ['failed', 'pending'] }, 'status'],
    ['device jobs under way', { status: ['running'] }, 'status'],
    ['no status at all', { status: [] }, 'status'],
    ['no error code at all', { errorCode: [] }, 'errorCode'],
    ['101 error codes', { errorCode: Array.from({ length: 101 }, (_, index) => `${index}`) }, 'errorCode'],
    ['an error code that no row can hold', { errorCode: ['a\0b'] }, 'errorCode'],
    ['results of what waits', { result: ['refused', 'pending'] }, 'result'],
    ['no result at all', { result: [] }, 'result'],
    ['a status beside a result', { status: ['failed'], result: ['refused'] }, 'status'],
    ['an answer beside a result', { responseStatus: [500], result: ['refused'] }, 'responseStatus'],
    ['an error code of what was completed', { status: ['completed'], errorCode: ['A'] }, 'errorCode'],
    ['an answer of what failed', { status: ['failed'], responseStatus: [500] }, 'responseStatus'],
    ['an answer of what has an error', { errorCode: ['A'], responseStatus: [500] }, 'responseStatus'],
    ['a name with a space', { newJobId: 'a b' }, 'newJobId'],
    ['an empty name', { newJobId: '' }, 'newJobId'],
    ['a start more than 30 days ahead', { startTime: new Date('2026-02-01T00:00:00Z') }, 'startTime'],
    ['no time to execute', { maxExecutionTimeInSeconds: 0 }, 'maxExecutionTimeInSeconds'],
    ['a reason that is too long', { reason: 'x'.repeat(1025) }, 'reason'],
    ['a reason that no row can hold', { reason: '\0' }, 'reason'],
  ])('%s', (_what, input, member) => {
    expect(() => check(input)).toThrow(InvalidInputError)
    expect(() => check(input)).toThrow(expect.objectContaining({ path: [member] }))
  })
})
