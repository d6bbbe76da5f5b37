import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDevice } from '../../src/device/commands.ts'
import { connectRaw, givenDevice, hubName, startDoor, type TestDoor } from './door.ts'

let hub: TestDoor
beforeAll(async () => {
  hub = await startDoor()
})
afterAll(() => hub.close())

/** The model that the hub knows of once the device has been let in. */
async function modelAfter(deviceId: string, query: string): Promise<string> {
  const username = `${hubName}/${deviceId}/?api-version=2021-04-12${query}`
  const device = await connectRaw(hub.port, deviceId, { username })
  const { modelId } = await readDevice(hub.deps, deviceId)
  device.end()
  return modelId
}

test('a device is of the model that its last CONNECT announced', async () => {
  const deviceId = await givenDevice(hub)
  const thermostat = 'dtmi:com:example:Thermostat;1'
  expect(await modelAfter(deviceId, '')).toBe('')
  expect(await modelAfter(deviceId, `&model-id=${thermostat}`)).toBe(thermostat)
  await expect.poll(async () => (await readDevice(hub.deps, deviceId)).connectionState).toBe('disconnected')
  expect((await readDevice(hub.deps, deviceId)).modelId).toBe(thermostat)
  expect(await modelAfter(deviceId, `&model-id=${encodeURIComponent('dtmi:com:example:Pump;2')}`)).toBe(
    'dtmi:com:example:Pump;2',
  )
  expect(await modelAfter(deviceId, '')).toBe('')
})

test('a model id that is none keeps no device out', async () => {
  const deviceId = await givenDevice(hub)
  expect(await modelAfter(deviceId, '&model-id=Thermostat')).toBe('')
})
