import { describe, expect, test } from 'vitest'
import { typedBody } from '../../src/rest/body-types.ts'

const method = (value: unknown) => typedBody({ responseTimeoutInSeconds: value }, 'MethodCall')

describe('a whole number', () => {
  test.each([
    ['30', 30],
    ['0', 0],
    ['-1', -1],
    ['007', 7],
    [30, 30],
    [1.5, 1.5], // for the operation to refuse, which knows what it allows
    [null, null],
  ])('may be %j', (value, number) => {
    expect(method(value)).toEqual({ responseTimeoutInSeconds: number })
  })

  test.each(['', ' 7 ', '1e3', '0x10', '3.0', '3.', '+3', '٣', '1_000', '9'.repeat(16), 'thirty', true, {}, ['30']])(
    'may not be %j',
    (value) => {
      expect(() => method(value)).toThrow('responseTimeoutInSeconds must be a whole number.')
    },
  )
})

test.each([
  ['true', true],
  ['False', false],
  [true, true],
  [null, null],
])('a boolean may be %j', (value, boolean) => {
  expect(typedBody({ capabilities: { iotEdge: value } }, 'Device')).toEqual({ capabilities: { iotEdge: boolean } })
})

test('what the hub alone writes and what it does not know is passed over, and null is as good as nothing', () => {
  const body = { etag: { a: 1 }, cloudToDeviceMessageCount: 'x', deviceScope: 7, authentication: null, status: null }
  expect(typedBody(body, 'Device')).toEqual(body)
})

test('a member of another type is named with its place', () => {
  expect(() => typedBody([{ id: 'a' }, { id: 'b', tags: [] }], 'BulkRequest')).toThrow(
    expect.objectContaining({ path: ['1', 'tags'], message: '[1].tags must be an object.' }),
  )
})

test('names that mean something to JavaScript are names like any other', () => {
  const body: unknown = JSON.parse('{"__proto__":{"status":1},"constructor":2,"hasOwnProperty":3}')
  expect(JSON.stringify(typedBody(body, 'Device'))).toBe(JSON.stringify(body))
})

test('a section of a twin is not gone through, for it may have thousands of members', () => {
  const desired = { a: 1 }
  expect(Object(typedBody([{ id: 'a', properties: { desired } }], 'BulkRequest'))[0].properties.desired).toBe(desired)
})
