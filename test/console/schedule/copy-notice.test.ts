import { expect, test } from 'vitest'
import { describeCopy } from '../../../src/console/pages/schedule/copy-notice.ts'

test('a copy says which devices a retry had', () => {
  expect(describeCopy('night', { retryOf: null })).toBe('Copied from job night.')
  expect(describeCopy('night', { retryOf: { id: 'x' } })).toBe(
    'Copied from job night. That job retried some of the devices; its condition matches all of them.',
  )
})
