import { expect, test } from 'vitest'
import { describeOperation } from '../../src/console/operation.ts'

const patch = (updateTwin: unknown) => describeOperation({ cloudToDeviceMethod: null, updateTwin })

test('a method call is described by the name of the method', () => {
  expect(describeOperation({ cloudToDeviceMethod: { methodName: 'reboot' }, updateTwin: null })).toBe('reboot')
})

test('a twin update is described by the paths it changes, a few of them by name', () => {
  expect(patch({ tags: { site: 'north' } })).toBe('tags.site')
  expect(patch({ properties: { desired: { interval: 5, log: { level: null } } } })).toBe(
    'desired.interval, desired.log.level',
  )
  expect(patch({ tags: { a: 1, b: [1, 2], c: 3, d: 4, e: 5 } })).toBe('tags.a, tags.b, tags.c and 2 more')
})

test('a patch of empty objects changes what it can, or nothing', () => {
  expect(patch({ tags: { site: {} } })).toBe('tags.site')
  expect(patch({ tags: {} })).toBe('no changes')
})

test('a patch that the hub hides is not described as one without changes', () => {
  expect(patch(null)).toBe('hidden changes')
})
