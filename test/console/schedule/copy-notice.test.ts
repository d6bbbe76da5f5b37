import { expect, test } from 'vitest'
import { describeCopy } from '../../../src/console/pages/schedule/copy-notice.ts'

test('a copy says what it does not have of the job', () => {
  expect(describeCopy('night', { retryOf: null, waves: [] })).toBe('Copied from job night.')
  expect(describeCopy('night', { retryOf: null, waves: null })).toBe('Copied from job night.')
  expect(describeCopy('night', { retryOf: { id: 'x' }, waves: [{}, {}] })).toBe(
    'Copied from job night. That job retried some of the devices; its condition matches all of them. Its waves are not copied: all devices have their turn at once.',
  )
})
