import { expect, test } from 'vitest'
import { endByError, storableText, twinDetail } from '../../src/audit/entry.ts'
import {
  BadDeviceResponseError,
  ConflictError,
  DeviceOfflineError,
  DeviceTimeoutError,
  OutOfScopeError,
  UnauthorizedError,
} from '../../src/errors.ts'

test.each([
  [new ConflictError('no'), { outcome: 'refused', code: 'CONFLICT' }],
  [new DeviceOfflineError('no'), { outcome: 'refused', code: 'DEVICE_OFFLINE' }],
  [new OutOfScopeError('no', null), { outcome: 'denied', code: 'FORBIDDEN' }],
  [new UnauthorizedError('no'), { outcome: 'denied', code: 'UNAUTHORIZED' }],
  [new Error('no'), undefined],
])('%s ends an operation', (error, end) => {
  expect(endByError(error)).toEqual(end)
})

test.each([new DeviceTimeoutError('no'), new BadDeviceResponseError('no')])(
  'a method call was made, although its answer is missing: %s',
  (error) => {
    expect(endByError(error)).toEqual({ outcome: 'succeeded', code: error.code })
  },
)

test('a text is cut between characters', () => {
  expect(storableText(`${'a'.repeat(999)}😀`)).toBe(`${'a'.repeat(999)}\ufffd`)
})

test('a twin is described by the paths of its members', () => {
  expect(twinDetail({ tags: { a: 'secret' }, desired: null })).toEqual({ members: 1, paths: ['tags.a'] })
  expect(twinDetail({ tags: 'no object' })).toEqual({ members: 0, paths: [] })
})
