import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { MethodRequest } from '../../src/attached-devices.ts'
import { createDevice, updateDevice } from '../../src/device/commands.ts'
import { answerInvocation } from '../../src/method/call-commands.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock } from '../support/clock.ts'
import { type Answer, openDoor, type TestDoor } from './door.ts'

const clock = createTestClock()
let door: TestDoor
beforeAll(async () => {
  door = await openDoor({ clock })
  for (const deviceId of ['here', 'away', 'off']) await createDevice(door.deps, everything, { deviceId })
  await updateDevice(door.deps, everything, { deviceId: 'off', ifMatch: '*', status: 'disabled' })
})
afterAll(() => door.close())

let requests: MethodRequest[]
let respond: (request: MethodRequest) => void
beforeEach(() => {
  requests = []
  respond = () => {}
  door.deps.attached.attach('here', (request) => {
    requests.push(request)
    respond(request)
  })
})

const call = (deviceId: string, body: unknown = {}) =>
  door.ask(`POST /twins/${deviceId}/methods`, { body: { methodName: 'reboot', ...Object(body) } })
const answering = (status: number, payload: string) => (request: MethodRequest) => {
  const { deviceId, requestId } = request
  queueMicrotask(() => answerInvocation(door.deps, { deviceId, requestId, response: { status, payload } }))
}
const inner = ({ body }: Answer) => JSON.parse(body.Message)

test.each([200, 404, 500, -1])('whatever status the device answers (%i), the call was a success', async (status) => {
  respond = answering(status, '{"a":12345678901234567890}')
  const answer = await call('here', { payload: { x: 1 }, responseTimeoutInSeconds: 5, unknown: true })
  expect(answer.status).toBe(200)
  expect(answer.body.status).toBe(status)
  expect(requests).toMatchObject([{ deviceId: 'here', methodName: 'reboot', payload: '{"x":1}' }])
})

test.each(['1e999', '12345678901234567890', '-0', '1.0', '{ "a": [1e400, 1.50] }'])(
  'the payload comes back digit by digit: %s',
  async (payload) => {
    respond = answering(200, payload)
    expect((await call('here')).text).toBe(`{"status":200,"payload":${payload}}`)
  },
)

test('a number in the payload of a call is read as a double, and one beyond them is refused', async () => {
  respond = answering(200, 'null')
  const body = '{"methodName":"reboot","payload":[12345678901234567890,1.0,-0]}'
  expect((await door.ask('POST /twins/here/methods', { body })).status).toBe(200)
  expect(requests).toMatchObject([{ payload: '[12345678901234567000,1,0]' }])
  const answer = await door.ask('POST /twins/here/methods', { body: '{"methodName":"reboot","payload":[1e999]}' })
  expect([answer.status, inner(answer).message]).toEqual([400, 'The payload contains a number that is not finite.'])
  expect(requests).toHaveLength(1)
})

test('the payload comes back as the device wrote it, and a call always has one', async () => {
  respond = answering(200, 'null')
  expect((await call('here')).body).toEqual({ status: 200, payload: null })
  for (const payload of [null, 0, '', false]) await call('here', { payload })
  expect(requests.map(({ payload }) => payload)).toEqual(['null', 'null', '0', '""', 'false'])
})

test.each([5, 300])('a device may have %i seconds to answer', async (responseTimeoutInSeconds) => {
  respond = answering(200, 'null')
  expect((await call('here', { responseTimeoutInSeconds })).status).toBe(200)
})

test('the seconds of a call may be text, as the Azure CLI sends them', async () => {
  respond = answering(200, 'null')
  const answer = await call('here', { responseTimeoutInSeconds: '30', connectTimeoutInSeconds: '0' })
  expect(answer.status).toBe(200)
  expect(inner(await call('here', { responseTimeoutInSeconds: '4' })).message).toContain('[5, 300]')
})

test.each([
  ['ghost', 'There is no device "ghost".'],
  ['off', 'The device "off" is disabled.'],
])('an unknown or disabled device is not found, and the text says which: %s', async (deviceId, message) => {
  const answer = await call(deviceId)
  expect(answer.status).toBe(404)
  expect(answer.headers.get('iothub-errorcode')).toBe('DeviceNotFound')
  expect(inner(answer)).toMatchObject({ errorCode: 404001, message })
})

test('a device that is not connected is not online', async () => {
  const answer = await call('away')
  expect(answer.status).toBe(404)
  expect(inner(answer)).toEqual({
    errorCode: 404103,
    trackingId: expect.stringMatching(/^[0-9a-f]{32}$/),
    message: '"away" is not connected, or has not subscribed to methods.',
    info: {},
    timestampUtc: '2026-01-01T00:00:00.000Z',
  })
  expect(answer.body.ExceptionMessage).toBe('')
})

test('a silent device makes a gateway timeout, and was called once', async () => {
  const asked = call('here', { responseTimeoutInSeconds: 5 })
  await clock.asleep()
  clock.advance(5_000)
  const answer = await asked
  expect([answer.status, inner(answer).errorCode]).toEqual([504, 504101])
  expect(requests).toHaveLength(1)
})

test('a failure after the call may have left is a gateway timeout, for clients repeat a call after any other', async () => {
  respond = () => {
    throw new Error('the socket broke in the middle')
  }
  const answer = await call('here')
  expect([answer.status, inner(answer).errorCode]).toEqual([504, 504101])
  expect(JSON.stringify(answer.body)).not.toContain('socket')
  expect(door.logged).toMatchObject([{ deviceId: 'here', err: { message: 'the socket broke in the middle' } }])
})

test.each([
  [{ responseTimeoutInSeconds: 4 }, 'responseTimeoutInSeconds must be within [5, 300].'],
  [{ responseTimeoutInSeconds: 301 }, 'responseTimeoutInSeconds must be within [5, 300].'],
  [{ connectTimeoutInSeconds: 301 }, 'connectTimeoutInSeconds must be within [0, 300].'],
  [{ methodName: '' }, 'methodName must be a string of 1 to 100 characters.'],
  [{ methodName: 'a/b' }, 'methodName must not contain "/".'],
])('%j is refused before anything is sent', async (body, message) => {
  const answer = await call('here', body)
  expect([answer.status, inner(answer).errorCode, inner(answer).message]).toEqual([400, 400004, message])
  expect(requests).toEqual([])
})

test('a payload of more than 128 KB is too large', async () => {
  respond = answering(200, 'null')
  const payload = 'x'.repeat(128 * 1024 - 2) // and its quotes
  expect((await call('here', { payload })).status).toBe(200)
  const answer = await call('here', { payload: `${payload}x` })
  expect([answer.status, inner(answer).errorCode]).toEqual([413, 413001])
  expect(requests).toHaveLength(1)
})

test('what is wrong with the request itself is said in the classic form', async () => {
  expect((await door.ask('POST /twins/here/methods', { body: '{' })).error).toMatch(/^DeserializationError;/)
  expect((await door.ask('POST /twins/here/methods', { token: null })).error).toMatch(/^IotHubUnauthorizedAccess;/)
})
