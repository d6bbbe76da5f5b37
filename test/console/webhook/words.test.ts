import { expect, test } from 'vitest'
import { describeAttempt, describeEvents } from '../../../src/console/webhook/words.ts'

test('events are described in the order of a job, with the threshold', () => {
  const none = { failureShare: null, minimumDevices: null }
  expect(describeEvents({ ...none, events: ['JOB_ENDED', 'JOB_STARTED'] })).toBe('Job started, Job ended')
  expect(describeEvents({ ...none, events: ['JOB_ENDED', 'JOB_RESUMED', 'JOB_PAUSED'] })).toBe(
    'Job paused, Job resumed, Job ended',
  )
  expect(describeEvents({ events: ['JOB_THRESHOLD'], failureShare: 0.07, minimumDevices: 20 })).toBe(
    'Too many failures (over 7 %, from 20 devices)',
  )
})

test('the last attempt is described by its reason and the status of the response', () => {
  expect(describeAttempt({ error: 'STATUS', responseStatus: 500 })).toBe('The receiver refused. Status 500.')
  expect(describeAttempt({ error: 'TIMEOUT', responseStatus: null })).toBe('No response in time.')
  expect(describeAttempt({ error: null, responseStatus: 204 })).toBe('Status 204.')
  expect(describeAttempt({ error: null, responseStatus: null })).toBe('')
})
