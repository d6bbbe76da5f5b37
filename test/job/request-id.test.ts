import { expect, test } from 'vitest'
import { callOfRequestId, makeRequestId } from '../../src/job/request-id.ts'

const key = '00112233445566778899aabbccddeeff'

test.each([1, 2, 10])('a request id names its job and its attempt, such as %i, to whoever has the key', (attempt) => {
  const requestId = makeRequestId(key, 'job-1', 'pump', attempt)
  expect(callOfRequestId(key, requestId, 'pump')).toEqual({ jobId: 'job-1', attempt })
})

test('the same call has the same request id', () => {
  expect(makeRequestId(key, 'job-1', 'pump')).toBe(makeRequestId(key, 'job-1', 'pump'))
})

test.each([
  ['of another device', makeRequestId(key, 'job-1', 'valve'), 'pump'],
  ['made with another key', makeRequestId(`${key}0`, 'job-1', 'pump'), 'pump'],
  ['whose job was exchanged', makeRequestId(key, 'job-1', 'pump').replace('job-1', 'job-2'), 'pump'],
  ['whose attempt was changed', makeRequestId(key, 'job-1', 'pump', 2).replace('.2.', '.3.'), 'pump'],
  ['of a later attempt without its number', makeRequestId(key, 'job-1', 'pump', 2).replace('.2.', '.'), 'pump'],
  ['of a first attempt with a number', makeRequestId(key, 'job-1', 'pump').replace('.', '.1.'), 'pump'],
  ['that is cut short', makeRequestId(key, 'job-1', 'pump').slice(0, -1), 'pump'],
  ['without a tag', 'job-1.', 'pump'],
  ['of an interactive call', 'q1w2e3r4t5z6u7i8', 'pump'],
])('a request id %s names none', (_, requestId, deviceId) => {
  expect(callOfRequestId(key, requestId, deviceId)).toBeUndefined()
})
