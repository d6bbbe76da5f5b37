import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/json/json.ts'
import { ConnectionLostError, TwinRequestError } from '../../src/simulator/errors.ts'
import { broker, device, first, fleetAt } from './setup.ts'

const twin = { desired: { interval: 5, $version: 3 }, reported: { interval: 1, $version: 8 } }

test('a device that reads its twin first reports back what differs, then what changes', async () => {
  const hub = await broker({ twin })
  const desired: JsonObject[] = []
  const fleet = fleetAt(
    hub.port,
    [device('d1')],
    { readTwin: true, reportBack: ['interval', 'mode'] },
    { onDesired: (_deviceId, section) => desired.push(section) },
  )
  await fleet.connect()
  expect(fleet.stats()).toMatchObject({ twinReads: 1, desiredPatches: 0 })
  await hub.until(() => hub.reported.length === 1)
  hub.patchDesired('d1', 4, { mode: { a: 1 }, other: 2 })
  await hub.until(() => hub.reported.length === 2)
  hub.patchDesired('d1', 4, { mode: 'the hub said this already' })
  hub.patchDesired('d1', 5, { interval: null })
  await hub.until(() => hub.reported.length === 3)
  expect(hub.reported.map(({ patch }) => patch)).toStrictEqual([
    { interval: 5 },
    { mode: { a: 1 } },
    { interval: null },
  ])
  expect(desired.at(-1)).toStrictEqual({ mode: { a: 1 }, other: 2 })
  expect(fleet.twinOf('d1').desiredVersion).toBe(5)
  expect(fleet.stats()).toMatchObject({ desiredPatches: 3, errors: 0 })
})

test('a device that reports back repeats what the hub cannot take now, and gives up what it refuses', async () => {
  const statuses = [429, 503, 204, 400]
  const hub = await broker({ twin, report: () => statuses.shift() ?? 204 })
  const [failed, fail] = first<Error>()
  const fleet = fleetAt(
    hub.port,
    [device('d1')],
    { readTwin: true, reportBack: ['interval'] },
    { onError: (error) => fail(error) },
  )
  await fleet.connect()
  await hub.until(() => hub.reported.length === 3)
  hub.patchDesired('d1', 4, { interval: 6 })
  expect(await failed).toMatchObject({ deviceId: 'd1', status: 400 })
  expect(hub.reported.map(({ patch }) => patch.interval)).toEqual([5, 5, 5, 6])
  expect(fleet.twinOf('d1').reported).toEqual({ interval: 5 })
  expect(fleet.stats()).toMatchObject({ reportedPatches: 1, errors: 1 })
})

test('a device reports back what is desired again while the change of it was being reported', async () => {
  const hub = await broker({
    twin: { desired: { interval: 1, $version: 3 }, reported: { interval: 1, $version: 8 } },
    report(patch) {
      if (patch.interval === 2) hub.patchDesired('d1', 5, { interval: 1 })
      return 204
    },
  })
  const fleet = fleetAt(hub.port, [device('d1')], { readTwin: true, reportBack: ['interval'] })
  await fleet.connect()
  hub.patchDesired('d1', 4, { interval: 2 })
  await hub.until(() => hub.reported.length === 2)
  expect(hub.reported.map(({ patch }) => patch)).toEqual([{ interval: 2 }, { interval: 1 }])
})

test('a device knows what it reported once the hub has taken it', async () => {
  const hub = await broker({ twin })
  const fleet = fleetAt(hub.port, [device('d1')])
  await fleet.connect()
  await fleet.report('d1', { battery: 80 })
  expect(hub.reported).toStrictEqual([{ deviceId: 'd1', patch: { battery: 80 } }])
  expect(fleet.twinOf('d1').reported).toStrictEqual({ battery: 80 })
  expect((await fleet.readTwin('d1')).desired).toStrictEqual({ interval: 5 })
  expect(fleet.stats()).toMatchObject({ reportedPatches: 1, twinReads: 1 })
})

test('a twin request the hub refuses is an error with its status and body', async () => {
  const hub = await broker({ twin: 429 })
  const fleet = fleetAt(hub.port, [device('d1')])
  await fleet.connect()
  const error = await fleet.report('d1', { a: 1 }).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(TwinRequestError)
  expect(error).toMatchObject({ deviceId: 'd1', status: 429, body: '{"errorCode":1}' })
  expect(fleet.twinOf('d1').reported).toStrictEqual({})
  await expect(fleet.readTwin('d1')).rejects.toThrow(TwinRequestError)
})

test('a request whose connection goes is rejected, and so is one without a connection', async () => {
  const hub = await broker({ twin })
  const fleet = fleetAt(hub.port, [device('d1')])
  await expect(fleet.report('d1', {})).rejects.toThrow(ConnectionLostError)
  await fleet.connect()
  const report = expect(fleet.report('d1', {})).rejects.toThrow(ConnectionLostError)
  fleet.drop()
  await report
})

test('a desired patch larger than a socket gives at once arrives whole', async () => {
  const hub = await broker()
  const [changed, tell] = first<JsonObject>()
  const fleet = fleetAt(hub.port, [device('d1')], {}, { onDesired: (_deviceId, desired) => tell(desired) })
  await fleet.connect()
  const text = 'é'.repeat(150_000)
  hub.patchDesired('d1', 1, { text })
  expect((await changed).text).toBe(text)
})
