import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDevice } from '../../src/device/commands.ts'
import { everything } from '../../src/scope.ts'
import { openDoor as openRestDoor } from '../rest/door.ts'
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
  const { modelId } = await readDevice(hub.deps, everything, deviceId)
  device.end()
  return modelId
}

test('a device is of the model that its last CONNECT announced', async () => {
  const deviceId = await givenDevice(hub)
  const thermostat = 'dtmi:com:example:Thermostat;1'
  expect(await modelAfter(deviceId, '')).toBe('')
  expect(await modelAfter(deviceId, `&model-id=${thermostat}`)).toBe(thermostat)
  await expect.poll(async () => (await readDevice(hub.deps, everything, deviceId)).connectionState).toBe('disconnected')
  expect((await readDevice(hub.deps, everything, deviceId)).modelId).toBe(thermostat)
  expect(await modelAfter(deviceId, `&model-id=${encodeURIComponent('dtmi:com:example:Pump;2')}`)).toBe(
    'dtmi:com:example:Pump;2',
  )
  expect(await modelAfter(deviceId, '')).toBe('')
})

test('services read the model that was announced in the twin, and find the device by it', async () => {
  const rest = await openRestDoor({ share: hub })
  const [deviceId, other] = [await givenDevice(hub), await givenDevice(hub)]
  const [valve, pump] = ['dtmi:com:example:Valve;1', 'dtmi:com:example:Valve;2']
  const read = async () => (await rest.ask(`GET /twins/${deviceId}`)).body.modelId
  const find = async (modelId: string) => {
    const query = `SELECT deviceId, modelId FROM devices WHERE modelId = '${modelId}'`
    return (await rest.ask('POST /devices/query', { body: { query } })).body
  }
  await modelAfter(other, `&model-id=${pump}`)
  expect([await read(), await find(valve)]).toEqual(['', []])

  await modelAfter(deviceId, `&model-id=${valve}`)
  expect([await read(), await find(valve)]).toEqual([valve, [{ deviceId, modelId: valve }]])

  await modelAfter(deviceId, `&model-id=${pump}`)
  expect([await read(), await find(valve)]).toEqual([pump, []])
  expect((await find(pump)).map((row: { deviceId: string }) => row.deviceId).sort()).toEqual([deviceId, other].sort())
})

test('a model id that is none keeps no device out', async () => {
  const deviceId = await givenDevice(hub)
  expect(await modelAfter(deviceId, '&model-id=Thermostat')).toBe('')
})
