import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MethodRequest } from '../../../src/attached-devices.ts'
import { createDevice, deleteDevice, updateDevice } from '../../../src/device/commands.ts'
import { answerInvocation } from '../../../src/method/call-commands.ts'
import { everything } from '../../../src/scope.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { openPort, until } from '../transport/sockets.ts'

let clock: TestClock
let door: TestDoor
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  await givenDevices(door.deps, 'pump', 1)
})
afterAll(() => door.close())

const query = `mutation ($input: InvokeDeviceMethodInput!) {
  invokeDeviceMethod(input: $input) {
    __typename
    ... on InvokeDeviceMethodPayload { status payload }
    ... on Error { code message }
    ... on InvalidInputError { path }
  }
}`
const invoke = async (input: Record<string, unknown>) => {
  const { data, errors } = await door.ask(query, { input: { deviceId: 'pump-0001', methodName: 'reboot', ...input } })
  expect(errors).toEqual([])
  return data.invokeDeviceMethod
}

test('the answer of the device is the answer', async () => {
  const detach = door.deps.attached.attach('pump-0001', ({ deviceId, requestId, payload }) => {
    queueMicrotask(() =>
      answerInvocation(door.deps, { deviceId, requestId, response: { status: 207, payload: `{"got":${payload}}` } }),
    )
  })
  expect(await invoke({ payload: { delay: 5 } })).toEqual({
    __typename: 'InvokeDeviceMethodPayload',
    status: 207,
    payload: { got: { delay: 5 } },
  })
  detach()
})

test('numbers of the answer are those that the device wrote, and those of a call are doubles', async () => {
  const written = '[1e999, 12345678901234567890, -0, 1.0]'
  const sent: string[] = []
  const detach = door.deps.attached.attach('pump-0001', ({ deviceId, requestId, payload }) => {
    sent.push(payload)
    queueMicrotask(() =>
      answerInvocation(door.deps, { deviceId, requestId, response: { status: 200, payload: written } }),
    )
  })
  const ask = async (payload: string): Promise<string> => {
    const input = `{ deviceId: "pump-0001", methodName: "reboot", payload: ${payload} }`
    const response = await door.server.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: `mutation { invokeDeviceMethod(input: ${input}) { ... on InvokeDeviceMethodPayload { payload } ... on Error { message } } }`,
      }),
    })
    return response.text()
  }
  expect(await ask('[12345678901234567890, 1.0]')).toBe(`{"data":{"invokeDeviceMethod":{"payload":${written}}}}`)
  expect(sent).toEqual(['[12345678901234567000,1]'])
  expect(await ask('1e999')).toContain('The payload contains a number that is not finite.')
  expect(sent).toHaveLength(1)
  detach()
})

test('an answer that is none ends the wait at once, and says what is wrong with it', async () => {
  const detach = door.deps.attached.attach('pump-0001', ({ deviceId, requestId }) => {
    queueMicrotask(() =>
      answerInvocation(door.deps, { deviceId, requestId, response: { problem: 'The device answered with tea.' } }),
    )
  })
  expect(await invoke({})).toEqual({
    __typename: 'BadDeviceResponseError',
    code: 'BAD_DEVICE_RESPONSE',
    message: 'The device answered with tea.',
  })
  detach()
})

test('a device that is not here is a DeviceOfflineError', async () => {
  expect(await invoke({})).toMatchObject({ __typename: 'DeviceOfflineError', code: 'DEVICE_OFFLINE' })
})

test('a device that does not answer is a DeviceTimeoutError', async () => {
  const requests: MethodRequest[] = []
  const detach = door.deps.attached.attach('pump-0001', (request) => requests.push(request))
  const answer = invoke({ responseTimeoutInSeconds: 5 })
  await until(() => requests.length === 1)
  await clock.asleep()
  clock.advance(5000)
  expect(await answer).toMatchObject({ __typename: 'DeviceTimeoutError', code: 'DEVICE_TIMEOUT' })
  detach()
})

test('what another device of the same id says is no answer to the call of its predecessor', async () => {
  await createDevice(door.deps, everything, { deviceId: 'short-lived' })
  const requests: MethodRequest[] = []
  const detach = door.deps.attached.attach('short-lived', (request) => requests.push(request))
  const answer = invoke({ deviceId: 'short-lived' })
  await until(() => requests.length === 1)
  await deleteDevice(door.deps, everything, { deviceId: 'short-lived', ifMatch: '*' })
  await createDevice(door.deps, everything, { deviceId: 'short-lived' })
  for (const { deviceId, requestId } of requests) {
    answerInvocation(door.deps, { deviceId, requestId, response: { status: 200, payload: 'null' } })
  }
  expect(await answer).toMatchObject({
    __typename: 'DeviceTimeoutError',
    message: 'The call of reboot was sent, but "short-lived" was deleted before it answered.',
  })
  detach()
})

test('a device that is disabled while it has a call ends it at once, unless it has answered', async () => {
  for (const answers of [false, true]) {
    const deviceId = `locked-out-${answers}`
    await createDevice(door.deps, everything, { deviceId })
    const requests: MethodRequest[] = []
    const detach = door.deps.attached.attach(deviceId, (request) => requests.push(request))
    const answer = invoke({ deviceId })
    await until(() => requests.length === 1)
    const [{ requestId } = { requestId: '' }] = requests
    if (answers) answerInvocation(door.deps, { deviceId, requestId, response: { status: 200, payload: '1' } })
    await updateDevice(door.deps, everything, { deviceId, ifMatch: '*', status: 'disabled' })
    expect(await answer).toMatchObject(
      answers
        ? { __typename: 'InvokeDeviceMethodPayload', payload: 1 }
        : {
            __typename: 'DeviceTimeoutError',
            message: `The call of reboot was sent, but "${deviceId}" was disabled before it answered.`,
          },
    )
    detach()
  }
})

test('a device that is disabled is said to be disabled, also when its connection has just ended', async () => {
  await createDevice(door.deps, everything, { deviceId: 'just-disabled' })
  const { attached } = door.deps
  const detach = attached.attach('just-disabled', () => {})
  const { reaches } = attached
  // Between the first look at the device and the look for its connection.
  Object.assign(attached, { reaches: () => false })
  const { pool } = door.deps.database
  const lock = await pool.connect()
  await lock.query('begin')
  await lock.query(`update device set status = 'disabled' where id = 'just-disabled'`)
  const asked = invoke({ deviceId: 'just-disabled', connectTimeoutInSeconds: 5 })
  await clock.asleep()
  await lock.query('commit')
  lock.release()
  clock.advance(5_000)
  expect(await asked).toMatchObject({
    __typename: 'NotFoundError',
    code: 'NOT_FOUND',
    message: 'The device "just-disabled" is disabled.',
  })
  Object.assign(attached, { reaches })
  detach()
})

test.each([
  ['disabled', 'The device "awaited-disabled" is disabled.'],
  ['deleted', 'There is no device "awaited-deleted".'],
])('a device that is %s while a call waits for it to connect ends the wait', async (fate, message) => {
  const deviceId = `awaited-${fate}`
  await createDevice(door.deps, everything, { deviceId })
  const asked = invoke({ deviceId, connectTimeoutInSeconds: 300 })
  await clock.asleep()
  if (fate === 'disabled') await updateDevice(door.deps, everything, { deviceId, ifMatch: '*', status: 'disabled' })
  else await deleteDevice(door.deps, everything, { deviceId, ifMatch: '*' })
  expect(await asked).toMatchObject({ __typename: 'NotFoundError', message })
})

test('a call that waits for a device goes to no other one of the same id', async () => {
  await createDevice(door.deps, everything, { deviceId: 'awaited' })
  const asked = invoke({ deviceId: 'awaited', connectTimeoutInSeconds: 300 })
  await clock.asleep()
  const requests: MethodRequest[] = []
  await deleteDevice(door.deps, everything, { deviceId: 'awaited', ifMatch: '*' })
  await createDevice(door.deps, everything, { deviceId: 'awaited' })
  const detach = door.deps.attached.attach('awaited', (request) => requests.push(request))
  expect(await asked).toMatchObject({ __typename: 'NotFoundError' })
  expect(requests).toEqual([])
  detach()
})

test('a change of the device while it has a call does not end the call', async () => {
  await createDevice(door.deps, everything, { deviceId: 'changed' })
  const requests: MethodRequest[] = []
  const detach = door.deps.attached.attach('changed', (request) => requests.push(request))
  const answer = invoke({ deviceId: 'changed' })
  await until(() => requests.length === 1)
  await updateDevice(door.deps, everything, { deviceId: 'changed', ifMatch: '*', statusReason: 'looked at' })
  for (const { deviceId, requestId } of requests) {
    answerInvocation(door.deps, { deviceId, requestId, response: { status: 200, payload: '1' } })
  }
  expect(await answer).toMatchObject({ __typename: 'InvokeDeviceMethodPayload', payload: 1 })
  detach()
})

test.each([
  ['an unknown device', { deviceId: 'nobody' }, { __typename: 'NotFoundError' }],
  ['a name with a slash', { methodName: 'a/b' }, { __typename: 'InvalidInputError', path: ['methodName'] }],
  ['a wait of 301 seconds', { connectTimeoutInSeconds: 301 }, { path: ['connectTimeoutInSeconds'] }],
  [
    'a payload that is nested too deeply',
    { payload: JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) },
    { path: ['payload'] },
  ],
])('%s is refused', async (_what, input, expected) => {
  expect(await invoke(input)).toMatchObject(expected)
})

test('a client that leaves stops the wait for its device', async () => {
  const port = await openPort(door)
  const gone = new AbortController()
  const asked = fetch(port.url.replace('ws', 'http'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query,
      variables: { input: { deviceId: 'pump-0001', methodName: 'reboot', connectTimeoutInSeconds: 300 } },
    }),
    signal: gone.signal,
  }).catch(() => 'gone')
  let waiting = 0
  const { attached } = door.deps
  const onAttach = attached.onAttach
  Object.assign(attached, {
    onAttach: (listener: (deviceId: string) => void) => {
      waiting++
      const stop = onAttach(listener)
      return () => {
        waiting--
        stop()
      }
    },
  })
  await until(() => waiting === 1)
  gone.abort()
  await until(() => waiting === 0)
  expect(await asked).toBe('gone')
  Object.assign(attached, { onAttach })
  await port.close()
})
