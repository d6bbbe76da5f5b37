import { expect, test } from 'vitest'
import { describeCopy, describeTemplateCopy } from '../../../src/console/pages/schedule/copy-notice.ts'

test('a copy says which devices a retry had', () => {
  expect(describeCopy('night', { retryOf: null, waves: [] }, [])).toBe('Copied from job night.')
  expect(describeCopy('night', { retryOf: { id: 'x' }, waves: [] }, [])).toBe(
    'Copied from job night. That job retried some of the devices; its condition matches all of them.',
  )
})

test('a copy of a job that is not shown whole says what is missing', () => {
  expect(describeCopy('night', { retryOf: null, waves: null }, [])).toBe(
    'Copied from job night. It was not scheduled under your scope: its payload or patch, limits, approval, waves and abort rules are hidden and were not copied.',
  )
})

test('a copy of a template says what the form does not know', () => {
  expect(describeTemplateCopy('reboot', [])).toBe('Filled from template reboot.')
  expect(describeTemplateCopy('reboot', ['tides', 'moons'])).toBe(
    'Filled from template reboot. This form does not have tides, moons, so the job will not.',
  )
})

test('a copy of a job says what the form does not know', () => {
  expect(describeCopy('night', { retryOf: null, waves: [] }, ['tides'])).toBe(
    'Copied from job night. This form does not have tides, so the job will not.',
  )
  expect(describeCopy('night', { retryOf: null, waves: [] }, ['tides'], 'template')).toBe(
    'Copied from job night. This form does not have tides, so the template will not.',
  )
})
