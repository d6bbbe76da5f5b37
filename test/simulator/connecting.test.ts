import { expect, test } from 'vitest'
import { parseSasToken, verifySasSignature } from '../../src/access/sas.ts'
import { parseUserName } from '../../src/mqtt/topics.ts'
import { ConnectRefusedError, ConnectTimeoutError, SubscribeRefusedError } from '../../src/simulator/errors.ts'
import { startBroker } from './broker.ts'
import { broker, device, fleetAt, hubName, primaryKey, rawServer } from './setup.ts'

test('a device names itself and signs as the Azure device SDK does', async () => {
  const seen: { deviceId: string; userName: string; password: string }[] = []
  const hub = await broker({
    connack(deviceId, userName, password) {
      seen.push({ deviceId, userName, password })
      return 0
    },
  })
  await fleetAt(hub.port, [device('pump(1)*')]).connect()
  const [{ deviceId, userName, password } = { deviceId: '', userName: '', password: '' }] = seen
  expect(deviceId).toBe('pump(1)*')
  expect(parseUserName(userName)).toStrictEqual({ hubName, deviceId, apiVersion: '2021-04-12' })
  const token = parseSasToken(password)
  expect(decodeURIComponent(token?.resource ?? '')).toBe(`${hubName}/devices/pump(1)*`)
  expect(token && verifySasSignature(token, [primaryKey])).toBe(true)
  expect(token?.policyName).toBeUndefined()
  expect(hub.keepAlives()).toStrictEqual([180])
  expect(hub.clients.get(deviceId)?.clean).toBe(true)
})

test.each([
  [2, 'identifier rejected'],
  [4, 'bad user name or password'],
  [5, 'not authorized'],
])('return code %d is an error that says "%s", and the device does not try again', async (code, reason) => {
  let tries = 0
  const hub = await broker({
    connack(deviceId) {
      if (deviceId !== 'bad') return 0
      tries++
      return code
    },
  })
  const fleet = fleetAt(hub.port, [device('good'), device('bad')])
  const error = await fleet.connect().catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ConnectRefusedError)
  expect(error).toMatchObject({ deviceId: 'bad', returnCode: code, reason })
  await fleet.connect({ deviceIds: ['good'] })
  expect(tries).toBe(1)
})

test('a device the hub has no room for tries again until there is', async () => {
  let tries = 0
  const hub = await broker({ connack: () => (++tries < 3 ? 3 : 0) })
  const fleet = fleetAt(hub.port, [device('d1')])
  await fleet.connect()
  expect(tries).toBe(3)
  expect(fleet.isConnected('d1')).toBe(true)
})

test('a refused filter is an error that names it', async () => {
  const hub = await broker({ refuses: (filter) => filter.startsWith('$iothub/methods') })
  const error = await fleetAt(hub.port, [device('d1')])
    .connect()
    .catch((error: unknown) => error)
  expect(error).toBeInstanceOf(SubscribeRefusedError)
  expect(error).toMatchObject({ deviceId: 'd1', filters: ['$iothub/methods/POST/#'] })
})

test('where nobody listens, a fleet without reconnection fails at once and one with it when the time is up', async () => {
  const hub = await startBroker()
  await hub.stop()
  const refused = { cause: { code: 'ECONNREFUSED' } }
  await expect(fleetAt(hub.port, [device('d1')], { reconnect: false }).connect()).rejects.toMatchObject({
    name: 'ConnectionLostError',
    deviceId: 'd1',
    ...refused,
  })
  const error = await fleetAt(hub.port, [device('d1')])
    .connect({ timeoutMs: 50 })
    .catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ConnectTimeoutError)
  expect(error).toMatchObject({ cause: refused })
})

test('a hub that never answers is given up', async () => {
  const port = await rawServer(() => {})
  const fleet = fleetAt(port, [device('d1')], { reconnect: false, handshakeTimeoutMs: 20 })
  await expect(fleet.connect()).rejects.toThrow('did not respond in time')
})

test('a hub that does not speak MQTT is given up', async () => {
  const port = await rawServer((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await expect(fleetAt(port, [device('d1')], { reconnect: false }).connect()).rejects.toThrow('begins with 0x48')
})

test('a device opened in vain is told when the fleet closes', async () => {
  const port = await rawServer(() => {})
  const fleet = fleetAt(port, [device('d1'), device('d2')])
  const connecting = fleet.connect({ parallel: 1 })
  const outcome = expect(connecting).rejects.toThrow()
  await fleet.close()
  await outcome
  expect(fleet.isConnected('d2')).toBe(false)
})

test('no more devices than allowed are on their way at once, and progress is told', async () => {
  let onTheirWay = 0
  let most = 0
  const hub = await broker({
    async connack() {
      most = Math.max(most, ++onTheirWay)
      // A hub that takes its time, so that as many are on their way as can be.
      await new Promise((resolve) => setTimeout(resolve, 20))
      onTheirWay--
      return 0
    },
  })
  const progress: number[] = []
  const devices = Array.from({ length: 12 }, (_, index) => device(`d${index}`))
  await fleetAt(hub.port, devices).connect({ parallel: 3, onProgress: (connected) => progress.push(connected) })
  expect(most).toBe(3)
  expect(progress).toStrictEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
})

test('a fleet paced to so many a second takes as long as that', async () => {
  const hub = await broker()
  const devices = Array.from({ length: 5 }, (_, index) => device(`d${index}`))
  const started = performance.now()
  await fleetAt(hub.port, devices).connect({ perSecond: 50 })
  expect(performance.now() - started).toBeGreaterThan(79)
})
