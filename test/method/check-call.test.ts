import { describe, expect, test } from 'vitest'
import { InvalidInputError } from '../../src/errors.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { checkMethodCall, type MethodCallInput } from '../../src/method/check-call.ts'

function refusal(input: MethodCallInput): { path: string; message: string } {
  try {
    checkMethodCall(input, ['call'], defaultLimits)
  } catch (error) {
    if (error instanceof InvalidInputError) return { path: error.path.join('/'), message: error.message }
    throw error
  }
  throw new Error('not refused')
}

const payloadOf = (payload: unknown) => checkMethodCall({ methodName: 'm', payload }, [], defaultLimits).payload
const arrays = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))

test('what is left out or null falls to its default', () => {
  const call = { methodName: 'reboot', payload: null, responseTimeoutInSeconds: 30, connectTimeoutInSeconds: 0 }
  expect(checkMethodCall({ methodName: 'reboot' }, [], defaultLimits)).toEqual(call)
  const nulls = { payload: null, responseTimeoutInSeconds: null, connectTimeoutInSeconds: null }
  expect(checkMethodCall({ methodName: 'reboot', ...nulls }, [], defaultLimits)).toEqual(call)
})

test('what is given is kept', () => {
  const call = { methodName: 'm', payload: { a: [1] }, responseTimeoutInSeconds: 5, connectTimeoutInSeconds: 300 }
  expect(checkMethodCall(call, [], defaultLimits)).toEqual(call)
})

describe('a method name', () => {
  test.each(['m', 'update-firmware_v1.2', "it's!", '%41&*~|^`', 'x'.repeat(100)])('may be %s', (methodName) => {
    expect(checkMethodCall({ methodName }, [], defaultLimits).methodName).toBe(methodName)
  })

  test.each([...'/+#? $()<>@,;:\\"[]={}\n\0\u007fé'].map((sign) => [sign]))('may not hold %j', (sign) => {
    expect(refusal({ methodName: `a${sign}b` }).path).toBe('call/methodName')
  })

  test.each([[''], ['x'.repeat(101)], [undefined], [null], [7]])('may not be %j', (methodName) => {
    expect(refusal({ methodName }).path).toBe('call/methodName')
  })
})

describe('a payload', () => {
  test.each([[0], [''], [false], [[]], [{ a: { b: ['x', null] } }], ['a\0\ud800']])('may be %j', (payload) => {
    expect(payloadOf(payload)).toEqual(payload)
  })

  test('may be 128 KB of JSON text and not one byte more', () => {
    expect(payloadOf('x'.repeat(128 * 1024 - 2))).toHaveLength(128 * 1024 - 2)
    expect(refusal({ methodName: 'm', payload: 'x'.repeat(128 * 1024 - 1) })).toEqual({
      path: 'call/payload',
      message: expect.stringMatching(/131073 bytes.*128 KB/),
    })
    expect(refusal({ methodName: 'm', payload: 'é'.repeat(64 * 1024) }).path).toBe('call/payload')
  })

  test('may be nested 64 levels and not one more, nor without end', () => {
    expect(payloadOf(arrays(64))).toEqual(arrays(64))
    for (const depth of [65, 50_000]) {
      expect(refusal({ methodName: 'm', payload: arrays(depth) }).message).toMatch(/64 levels/)
    }
  })

  test.each([[[undefined]], [() => 1], [1n]])('that is not JSON is refused', (payload) => {
    expect(refusal({ methodName: 'm', payload }).message).toMatch(/not JSON/)
  })

  test('with a number beyond the doubles is refused, which would be sent as null', () => {
    expect(refusal({ methodName: 'm', payload: JSON.parse('{"a":1e999}') }).message).toMatch(/not finite/)
  })

  test('keeps a member called __proto__ a member', () => {
    const payload: unknown = JSON.parse('{"__proto__":{"a":1}}')
    expect(JSON.stringify(payloadOf(payload))).toBe('{"__proto__":{"a":1}}')
  })
})

describe('timeouts', () => {
  test.each([[4], [301], [5.5], ['30'], [Number.NaN]])('an answer cannot be waited for %j seconds', (seconds) => {
    expect(refusal({ methodName: 'm', responseTimeoutInSeconds: seconds })).toEqual({
      path: 'call/responseTimeoutInSeconds',
      message: 'responseTimeoutInSeconds must be within [5; 300].',
    })
  })

  test.each([[-1], [301], [0.5], ['0']])('a connection cannot be waited for %j seconds', (seconds) => {
    expect(refusal({ methodName: 'm', connectTimeoutInSeconds: seconds })).toEqual({
      path: 'call/connectTimeoutInSeconds',
      message: 'connectTimeoutInSeconds must be within [0; 300].',
    })
  })
})
