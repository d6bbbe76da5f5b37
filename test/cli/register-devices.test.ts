import { expect, test } from 'vitest'
import { registerDevices } from '../../src/cli/register-devices.ts'
import { fakeHub } from './fake-hub.ts'

const deviceOf = (deviceId: string, primaryKey?: string) => ({
  deviceId,
  authentication: { symmetricKey: primaryKey === undefined ? null : { primaryKey } },
})
const created = (deviceId: string) => ({
  __typename: 'CreateDevicePayload',
  device: deviceOf(deviceId, `new ${deviceId}`),
})
const payload = (results: readonly unknown[]) => ({ createDevices: { __typename: 'CreateDevicesPayload', results } })
const inputs = (count: number) => Array.from({ length: count }, (_, index) => ({ deviceId: `d${index}` }))

test('new devices have the keys they were given, those that were there keep theirs', async () => {
  const hub = fakeHub(({ document }) =>
    document.includes('createDevices')
      ? payload([created('d0'), { __typename: 'AlreadyExistsError', message: 'there' }])
      : { devices: { nodes: [deviceOf('d1', 'old d1')] } },
  )
  const registration = await registerDevices(hub, inputs(2))
  expect(Object.fromEntries(registration.keys)).toEqual({ d0: 'new d0', d1: 'old d1' })
  expect(registration.created).toBe(1)
  expect(hub.requests.at(-1)?.variables).toEqual({ queryCondition: "deviceId IN ['d1']", first: 1 })
})

test('many devices are created in parts, and progress is reported after each', async () => {
  const hub = fakeHub(({ variables }) => {
    const { input } = JSON.parse(JSON.stringify(variables))
    return payload(input.devices.map((device: { deviceId: string }) => created(device.deviceId)))
  })
  const reported: number[] = []
  const { keys } = await registerDevices(hub, inputs(1_200), { onProgress: (done) => reported.push(done) })
  expect(keys.size).toBe(1_200)
  expect(reported).toEqual([500, 1_000, 1_200])
})

test('devices for which the hub asks to wait are created later, each once', async () => {
  const postponed = { __typename: 'LimitExceededError', message: 'later', retryAfterSeconds: 0 }
  const answers = [
    { createDevices: postponed },
    payload([created('d0'), postponed, created('d2')]),
    payload([created('d1')]),
  ]
  const hub = fakeHub(() => answers.shift())
  const { keys, created: count } = await registerDevices(hub, inputs(3))
  expect([...keys.keys()].sort()).toEqual(['d0', 'd1', 'd2'])
  expect(count).toBe(3)
  expect(hub.requests.map(({ variables }) => variables)).toEqual([
    { input: { devices: inputs(3) } },
    { input: { devices: inputs(3) } },
    { input: { devices: [{ deviceId: 'd1' }] } },
  ])
})

test('a signal ends the wait that a hub asks for', async () => {
  const stop = new AbortController()
  const hub = fakeHub(() => {
    stop.abort(new Error('stopped'))
    return { createDevices: { __typename: 'LimitExceededError', message: 'later', retryAfterSeconds: 3_600 } }
  })
  await expect(registerDevices(hub, inputs(1), { signal: stop.signal })).rejects.toThrow('stopped')
})

test('a device that is refused is named', async () => {
  const hub = fakeHub(() => payload([{ __typename: 'InvalidInputError', message: 'A device id must be a string.' }]))
  await expect(registerDevices(hub, inputs(1))).rejects.toThrow(
    'The device d0 could not be registered: A device id must be a string.',
  )
})

test('a device that is there and signs in without a key is named', async () => {
  const hub = fakeHub(({ document }) =>
    document.includes('createDevices')
      ? payload([{ __typename: 'AlreadyExistsError', message: 'there' }])
      : { devices: { nodes: [deviceOf('d0')] } },
  )
  await expect(registerDevices(hub, inputs(1))).rejects.toThrow(
    'The device d0 is registered, but without a symmetric key.',
  )
})
