import iotDevice, { type Client as DeviceClient, type Twin } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { everything } from '../../src/scope.ts'
import { patchTwin, readTwin } from '../../src/twin/commands.ts'
import { createQueue, givenDevice, hubName, primaryKey, startDoor, type TestDoor } from './door.ts'

let hub: TestDoor
const clients: DeviceClient[] = []
beforeAll(async () => {
  hub = await startDoor()
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})
afterAll(() => hub.close())

/** A device of the official SDK that comes through the gateway name, over TLS. */
async function openClient(deviceId: string, key = primaryKey): Promise<DeviceClient> {
  const client = iotDevice.Client.fromConnectionString(
    `HostName=${hubName};DeviceId=${deviceId};SharedAccessKey=${key};GatewayHostName=localhost:${hub.tlsPort}`,
    Mqtt,
  )
  await client.setOptions({ ca: hub.ca })
  clients.push(client)
  await client.open()
  return client
}

/** Resolves when the SDK has its subscriptions, which it makes without telling. */
const subscribed = (deviceId: string): Promise<void> =>
  expect.poll(() => hub.deps.attached.reaches(deviceId)).toBe(true)

test('the SDK answers methods, with and without a payload', async () => {
  const deviceId = await givenDevice(hub)
  const client = await openClient(deviceId)
  client.onDeviceMethod('reboot', (request, response) => {
    void response.send(202, { after: request.payload.delay })
  })
  client.onDeviceMethod('ping', (_, response) => {
    void response.send(200)
  })
  await subscribed(deviceId)
  hub.deps.attached.deliver({ deviceId, requestId: 'a.1', methodName: 'reboot', payload: '{"delay":5}' })
  expect(await hub.nextAnswer()).toEqual({
    deviceId,
    requestId: 'a.1',
    response: { status: 202, payload: '{"after":5}' },
  })
  hub.deps.attached.deliver({ deviceId, requestId: 'a.2', methodName: 'ping', payload: 'null' })
  expect(await hub.nextAnswer()).toEqual({ deviceId, requestId: 'a.2', response: { status: 200, payload: 'null' } })
})

test('the SDK reads its twin, hears of desired changes and reports properties', async () => {
  const deviceId = await givenDevice(hub, { desired: { interval: 60 } })
  const client = await openClient(deviceId)
  const twin: Twin = await client.getTwin()
  expect(twin.properties.desired).toMatchObject({ interval: 60, $version: 1 })

  const heard = createQueue<unknown>()
  twin.on('properties.desired', heard.add)
  expect(await heard.next()).toMatchObject({ interval: 60 }) // the SDK begins with what it has
  // It subscribes without telling; what changes before that is sent on subscribing.
  await patchTwin(hub.deps, everything, { deviceId, patch: { desired: { interval: 30, mode: 'eco' } }, ifMatch: '*' })
  expect(await heard.next()).toEqual({ interval: 30, mode: 'eco', $version: 2 })
  await patchTwin(hub.deps, everything, { deviceId, patch: { desired: { mode: null } }, ifMatch: '*' })
  expect(await heard.next()).toEqual({ mode: null, $version: 3 })
  expect(twin.properties.desired).toMatchObject({ interval: 30, $version: 3 })

  const report = (patch: object): Promise<Error | undefined> =>
    new Promise((resolve) => twin.properties.reported.update(patch, (error?: Error) => resolve(error)))
  expect(await report({ battery: 80, state: { on: true } })).toBeFalsy()
  expect((await readTwin(hub.deps, everything, deviceId)).reported).toEqual({ battery: 80, state: { on: true } })
  expect(await report({ list: [null] })).toBeInstanceOf(Error)
  expect(await report({ battery: 79 })).toBeFalsy()
  expect((await readTwin(hub.deps, everything, deviceId)).reported).toEqual({ battery: 79, state: { on: true } })
})

test('null removes for the SDK too, deep inside: what was desired of it, and what it reported', async () => {
  const deviceId = await givenDevice(hub, { desired: { fan: { speed: 1, mode: 'a' }, on: true } })
  const client = await openClient(deviceId)
  const twin: Twin = await client.getTwin()
  const heard = createQueue<unknown>()
  twin.on('properties.desired', heard.add)
  await heard.next() // the SDK begins with what it has
  // It subscribes without telling; what is sent then is the whole section.
  await patchTwin(hub.deps, everything, { deviceId, patch: { desired: { on: false } }, ifMatch: '*' })
  await heard.next()
  await patchTwin(hub.deps, everything, { deviceId, patch: { desired: { fan: { mode: null } } }, ifMatch: '*' })
  expect(await heard.next()).toEqual({ fan: { mode: null }, $version: 3 })
  const read: Twin = await client.getTwin()
  expect(read.properties.desired).toMatchObject({ fan: { speed: 1 }, on: false, $version: 3 })
  expect(read.properties.desired.fan).not.toHaveProperty('mode')

  const report = (patch: object): Promise<Error | undefined> =>
    new Promise((resolve) => twin.properties.reported.update(patch, (error?: Error) => resolve(error)))
  expect(await report({ battery: 80, state: { on: true, mode: 'a' } })).toBeFalsy()
  expect(await report({ battery: null, state: { mode: null } })).toBeFalsy()
  expect((await readTwin(hub.deps, everything, deviceId)).reported).toEqual({ state: { on: true } })
})

test('the SDK sends telemetry and is told that it came', async () => {
  const client = await openClient(await givenDevice(hub))
  const message = new iotDevice.Message('{"t":21}')
  message.properties.add('level', 'high')
  const before = hub.door.stats().telemetry
  await client.sendEvent(message)
  expect(hub.door.stats().telemetry).toBe(before + 1)
})

test('the SDK sees a wrong key and a disabled device as unauthorized', async () => {
  const wrong = openClient(await givenDevice(hub), 'd3Jvbmd3cm9uZ3dyb25nd3Jvbmd3cm9uZ3dyb25nMTI=')
  await expect(wrong).rejects.toMatchObject({ name: 'UnauthorizedError' })
  const disabled = openClient(await givenDevice(hub, { status: 'disabled' }))
  await expect(disabled).rejects.toMatchObject({ name: 'UnauthorizedError' })
})
