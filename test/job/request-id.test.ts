import { expect, test } from 'vitest'
import { jobOfRequestId, makeRequestId } from '../../src/job/request-id.ts'

const key = '00112233445566778899aabbccddeeff'

test('a request id names its job to whoever has the key', () => {
  expect(jobOfRequestId(key, makeRequestId(key, 'job-1', 'pump'), 'pump')).toBe('job-1')
})

test('the same call has the same request id', () => {
  expect(makeRequestId(key, 'job-1', 'pump')).toBe(makeRequestId(key, 'job-1', 'pump'))
})

test.each([
  ['of another device', makeRequestId(key, 'job-1', 'valve'), 'pump'],
  ['made with another key', makeRequestId(`${key}0`, 'job-1', 'pump'), 'pump'],
  ['whose job was exchanged', makeRequestId(key, 'job-1', 'pump').replace('job-1', 'job-2'), 'pump'],
  ['that is cut short', makeRequestId(key, 'job-1', 'pump').slice(0, -1), 'pump'],
  ['without a tag', 'job-1.', 'pump'],
  ['of an interactive call', 'q1w2e3r4t5z6u7i8', 'pump'],
])('a request id %s names none', (_, requestId, deviceId) => {
  expect(jobOfRequestId(key, requestId, deviceId)).toBeUndefined()
})
