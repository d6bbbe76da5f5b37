import { describe, expect, test } from 'vitest'
import { emptyCall, readCall } from '../../../src/console/pages/device/method-call.ts'
import { readNewDevice } from '../../../src/console/pages/devices/new-device.ts'

describe('a method call', () => {
  test('is what was typed, without a payload when there is none', () => {
    expect(readCall({ ...emptyCall, methodName: ' reboot ' })).toEqual({
      call: { methodName: 'reboot', connectTimeoutInSeconds: 0, responseTimeoutInSeconds: 30 },
    })
    expect(readCall({ ...emptyCall, methodName: 'reboot', payload: 'null' })).toMatchObject({ call: { payload: null } })
  })

  test('names what is wrong field by field', () => {
    const form = { methodName: 're boot', payload: '{', connectTimeout: '301', responseTimeout: '4' }
    expect(readCall(form)).toEqual({
      problems: {
        methodName: expect.stringMatching(/spaces/),
        payload: expect.stringMatching(/Invalid JSON/),
        connectTimeout: expect.stringMatching(/0 to 300/),
        responseTimeout: expect.stringMatching(/5 to 300/),
      },
    })
    expect(readCall({ ...emptyCall, responseTimeout: '1e2' })).toMatchObject({
      problems: { methodName: expect.any(String), responseTimeout: expect.any(String) },
    })
  })
})

describe('a new device', () => {
  test('has a name, and tags if any are written', () => {
    expect(readNewDevice({ deviceId: ' pump-1 ', tags: '' })).toEqual({ deviceId: 'pump-1', tags: undefined })
    expect(readNewDevice({ deviceId: 'p', tags: '{"a":1}' })).toEqual({ deviceId: 'p', tags: { a: 1 } })
  })

  test.each(['', 'a b', 'ä', 'x'.repeat(129), 'a/b'])('cannot be called %j', (deviceId) => {
    expect(readNewDevice({ deviceId, tags: '[]' })).toEqual({
      problems: { deviceId: expect.any(String), tags: expect.stringMatching(/JSON object/) },
    })
  })
})
