import { expect, test } from 'vitest'
import { templateChange, templateOf } from '../../../src/console/pages/job-template-form/template-change.ts'
import type { JobRequest } from '../../../src/console/pages/schedule/request.ts'

const method = { methodName: 'reboot', responseTimeoutInSeconds: 30 }
const before: JobRequest = {
  jobId: 'x',
  startTime: '2026-12-01T00:00:00Z',
  queryCondition: '*',
  maxExecutionTimeInSeconds: 3_600,
  name: 'Reboot',
  rollout: { maxPerMinute: 60 },
  cloudToDeviceMethod: method,
}

test('a template has neither the ID nor the start of a job', () => {
  const { jobId: _, startTime: __, ...template } = before
  expect(templateOf(before)).toEqual(template)
})

test('a change has only the members that differ, and takes those away that are gone', () => {
  expect(templateChange(before, before)).toEqual({})
  expect(templateChange(before, { ...before, queryCondition: "tags.site = 'north'" })).toEqual({
    queryCondition: "tags.site = 'north'",
  })
  const { name: _, rollout: __, ...less } = before
  expect(templateChange(before, less)).toEqual({ name: null, rollout: null })
  expect(templateChange(before, { ...before, labels: [{ name: 'a', value: 'b' }] })).toEqual({
    labels: [{ name: 'a', value: 'b' }],
  })
})

test('a template that gets the other operation is given that one only', () => {
  const { cloudToDeviceMethod: _, ...common } = before
  const twin: JobRequest = { ...common, updateTwin: { tags: { site: 'north' } } }
  expect(templateChange(before, twin)).toEqual({ updateTwin: { tags: { site: 'north' } } })
  expect(templateChange(twin, before)).toEqual({ cloudToDeviceMethod: method })
})

test('a template whose jobs select their devices at their start again says so', () => {
  const continuous: JobRequest = { ...before, targets: 'CONTINUOUS' }
  expect(templateChange(before, continuous)).toEqual({ targets: 'CONTINUOUS' })
  expect(templateChange(continuous, before)).toEqual({ targets: null })
  expect(templateChange({ ...before, onOverlap: 'QUEUE' }, before)).toEqual({ onOverlap: null })
})

test('a template that no longer skips devices says so', () => {
  const { cloudToDeviceMethod: _, ...common } = before
  const plain: JobRequest = { ...common, updateTwin: { tags: { site: 'north' } } }
  const skipping: JobRequest = { ...plain, skipCompliant: true }
  expect(templateChange(plain, skipping)).toEqual({ skipCompliant: true })
  expect(templateChange(skipping, plain)).toEqual({ skipCompliant: null })
})
