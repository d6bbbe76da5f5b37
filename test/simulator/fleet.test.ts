import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { generate } from 'mqtt-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { parseSasToken, verifySasSignature } from '../../src/access/sas.ts'
import type { JsonObject } from '../../src/json.ts'
import { parseUserName } from '../../src/mqtt/topics.ts'
import type { Behaviour, SimulatedDevice } from '../../src/simulator/behaviour.ts'
import {
  ConnectionLostError,
  ConnectRefusedError,
  ConnectTimeoutError,
  SubscribeRefusedError,
  TwinRequestError,
} from '../../src/simulator/errors.ts'
import { createFleet, type Fleet, type FleetDescription } from '../../src/simulator/fleet.ts'
import type { FleetListeners } from '../../src/simulator/fleet-context.ts'
import { type BrokerOptions, startBroker, type TestBroker } from './broker.ts'

const primaryKey = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='
const hubName = 'hub.example.test'

const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

const broker = async (options: BrokerOptions = {}): Promise<TestBroker> => {
  const started = await startBroker(options)
  endings.push(started.stop)
  return started
}

const device = (deviceId: string, behaviour: Behaviour = { kind: 'answer' }): SimulatedDevice => ({
  deviceId,
  primaryKey,
  behaviour,
})

const fleetAt = (
  port: number,
  devices: readonly SimulatedDevice[],
  settings: Partial<FleetDescription> = {},
  listeners: FleetListeners = {},
): Fleet => {
  const fleet = createFleet({ host: '127.0.0.1', port, hubName, devices, ...settings }, listeners)
  endings.push(fleet.close)
  return fleet
}

/** A promise and the listener that fulfils it. */
const first = <T>(): [Promise<T>, (value: T) => void] => {
  let tell: (value: T) => void = () => {}
  const heard = new Promise<T>((resolve) => {
    tell = resolve
  })
  return [heard, tell]
}

/** A server that is no broker: it does with each connection what the test says. */
const rawServer = async (serve: (socket: Socket) => void): Promise<number> => {
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    serve(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  endings.push(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address.port
}

describe('connecting', () => {
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
    [1, 'unacceptable protocol version'],
    [2, 'identifier rejected'],
    [4, 'bad user name or password'],
    [5, 'not authorized'],
  ])('return code %d is an error that says "%s", and the device does not try again', async (code, reason) => {
    let tries = 0
    const hub = await broker({ connack: (deviceId) => (deviceId === 'bad' ? (tries++, code) : 0) })
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
    await expect(fleet.connect()).rejects.toThrow('did not answer in time')
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
        await new Promise((resolve) => setImmediate(resolve))
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
})

describe('method calls', () => {
  test('each device answers as its behaviour says, and the ledger holds every call', async () => {
    const hub = await broker()
    const calls: string[] = []
    const fleet = fleetAt(
      hub.port,
      [
        device('plain'),
        device('rich', { kind: 'answer', status: 201, payload: { level: 'é' } }),
        device('refuses', { kind: 'refuse', status: 404, payload: { error: 'no such method' } }),
      ],
      {},
      { onMethodRequest: (entry, payload) => calls.push(`${entry.methodName} ${payload}`) },
    )
    await fleet.connect()
    for (const deviceId of ['plain', 'rich', 'refuses']) hub.call(deviceId, 'setLevel', `r-${deviceId}`, '{"l":1}')
    await hub.until(() => hub.answers.length === 3)
    expect(hub.answers.toSorted((a, b) => a.status - b.status)).toStrictEqual([
      { deviceId: 'plain', status: 200, rid: 'r-plain', payload: 'null' },
      { deviceId: 'rich', status: 201, rid: 'r-rich', payload: '{"level":"é"}' },
      { deviceId: 'refuses', status: 404, rid: 'r-refuses', payload: '{"error":"no such method"}' },
    ])
    expect(calls).toStrictEqual(Array.from({ length: 3 }, () => 'setLevel {"l":1}'))
    expect(fleet.ledger.entries.map((entry) => [entry.deviceId, entry.rid, entry.methodName]).toSorted()).toStrictEqual(
      ['plain', 'refuses', 'rich'].map((deviceId) => [deviceId, `r-${deviceId}`, 'setLevel']),
    )
    expect(fleet.stats()).toMatchObject({ methodsReceived: 3, methodsAnswered: 3 })
  })

  test('a silent device receives and never answers, until told to', async () => {
    const hub = await broker()
    const fleet = fleetAt(hub.port, [device('d1', { kind: 'silent' })])
    await fleet.connect()
    hub.call('d1', 'm', 'a')
    hub.call('d1', 'm', 'a')
    // The answer to this cannot overtake one to the calls: they share a connection.
    await fleet.report('d1', {})
    expect(hub.answers).toStrictEqual([])
    expect(fleet.ledger.entries.map(({ rid }) => rid)).toStrictEqual(['a', 'a'])
    fleet.answerWith('d1', { kind: 'answer' })
    hub.call('d1', 'm', 'b')
    await hub.until(() => hub.answers.length > 0)
    expect(hub.answers.map(({ rid }) => rid)).toStrictEqual(['b'])
  })

  test('a slow answer is overtaken by a quick one', async () => {
    const hub = await broker()
    const fleet = fleetAt(hub.port, [device('d1', { kind: 'answer', delayMs: { min: 20, max: 30 } })])
    await fleet.connect()
    hub.call('d1', 'm', 'slow')
    await fleet.report('d1', {})
    fleet.answerWith('d1', { kind: 'answer' })
    hub.call('d1', 'm', 'quick')
    await hub.until(() => hub.answers.length === 2)
    expect(hub.answers.map(({ rid }) => rid)).toStrictEqual(['quick', 'slow'])
  })

  test('an answer worked on while the connection broke goes out on the next', async () => {
    const hub = await broker()
    const [called, tell] = first<unknown>()
    const behaviour = { kind: 'answer', delayMs: 400 } as const
    const fleet = fleetAt(hub.port, [device('d1', behaviour)], {}, { onMethodRequest: tell })
    await fleet.connect()
    hub.call('d1', 'm', 'a')
    await called
    fleet.drop()
    await hub.until(() => hub.answers.length === 1)
    expect(fleet.stats()).toMatchObject({ connections: 2, methodsAnswered: 1 })
  })
})

describe('coming and going', () => {
  test('a device that loses its connection comes back by itself and can be called again', async () => {
    const hub = await broker()
    const fleet = fleetAt(hub.port, [device('d1'), device('d2')])
    await fleet.connect()
    fleet.drop(['d1'])
    await hub.until(() => hub.subscriptions() === 3)
    hub.close('d2')
    await hub.until(() => hub.subscriptions() === 4)
    await fleet.connect()
    expect(fleet.stats()).toMatchObject({ connected: 2, connections: 4, drops: 2, errors: 0 })
    hub.call('d1', 'm', 'a')
    await hub.until(() => hub.answers.length === 1)
  })

  test('without reconnection a lost connection is an error and the device stays away', async () => {
    const hub = await broker()
    const [failed, onError] = first<Error>()
    const fleet = fleetAt(hub.port, [device('d1')], { reconnect: false }, { onError })
    await fleet.connect()
    hub.close('d1')
    expect(await failed).toBeInstanceOf(ConnectionLostError)
    expect(fleet.stats()).toMatchObject({ connected: 0, drops: 1, errors: 1 })
    await fleet.connect()
    expect(fleet.isConnected('d1')).toBe(true)
  })

  test('a device refused when it comes back stays away and says so', async () => {
    let known = true
    const hub = await broker({ connack: () => (known ? 0 : 5) })
    const [failed, onError] = first<Error>()
    const fleet = fleetAt(hub.port, [device('d1')], {}, { onError })
    await fleet.connect()
    known = false
    fleet.drop()
    expect(await failed).toBeInstanceOf(ConnectRefusedError)
  })

  test('an offline device comes when called by name, a late one by itself', async () => {
    const hub = await broker()
    const fleet = fleetAt(hub.port, [
      device('there'),
      device('off', { kind: 'offline', answering: { kind: 'refuse', status: 503 } }),
      device('late', { kind: 'late', afterMs: 20 }),
    ])
    await fleet.connect()
    expect([...hub.clients.keys()]).toStrictEqual(['there'])
    await hub.until(() => hub.clients.has('late'))
    expect(hub.clients.has('off')).toBe(false)
    await fleet.connect({ deviceIds: ['off'] })
    hub.call('off', 'm', 'a')
    await hub.until(() => hub.answers.length === 1)
    expect(hub.answers[0]?.status).toBe(503)
    await fleet.disconnect(['off'])
    await hub.until(() => !hub.clients.has('off'))
    expect(fleet.isConnected('off')).toBe(false)
    expect(() => fleet.twinOf('nobody')).toThrow(RangeError)
  })

  test('a flapping device goes and comes, even in a fleet that does not reconnect', async () => {
    const hub = await broker()
    const fleet = fleetAt(hub.port, [device('d1', { kind: 'flapping', upMs: 5, downMs: 5 })], { reconnect: false })
    await fleet.connect()
    await hub.until(() => hub.subscriptions() >= 3)
    expect(fleet.stats()).toMatchObject({ errors: 0 })
    expect(fleet.stats().drops).toBeGreaterThan(1)
  })

  test('a device whose session the hub has kept does not subscribe again and is called all the same', async () => {
    const hub = await broker()
    const fleet = fleetAt(hub.port, [device('d1')], { cleanSession: false })
    await fleet.connect()
    expect(hub.clients.get('d1')?.clean).toBe(false)
    await fleet.disconnect(['d1'])
    await fleet.connect()
    hub.call('d1', 'm', 'a')
    await hub.until(() => hub.answers.length === 1)
    expect(hub.subscriptions()).toBe(1)
  })

  test('closing and opening again in one breath ends connected', async () => {
    const hub = await broker()
    const fleet = fleetAt(hub.port, [device('d1')])
    await fleet.connect()
    const closed = [fleet.disconnect(['d1']), fleet.disconnect(['d1'])]
    const opened = [fleet.connect(), fleet.connect()]
    await Promise.all([...closed, ...opened])
    expect(fleet.stats()).toMatchObject({ connected: 1, connections: 2, drops: 0 })
  })

  test('a connection on which PINGREQ is not answered is dead, and is made again', async () => {
    const [back, tell] = first<void>()
    let connections = 0
    const port = await rawServer((socket) => {
      if (++connections === 2) tell()
      socket.once('data', () => {
        socket.write(generate({ cmd: 'connack', sessionPresent: false, returnCode: 0 }))
        socket.write(generate({ cmd: 'suback', messageId: 1, granted: [0, 0, 0] }))
      })
    })
    const fleet = fleetAt(port, [device('d1')], { keepAliveSeconds: 1 })
    await fleet.connect()
    await back
    expect(fleet.stats().drops).toBe(1)
  })

  test('a connection on which PINGREQ is answered is kept', async () => {
    const [third, tell] = first<void>()
    let pings = 0
    const port = await rawServer((socket) => {
      socket.on('data', (data) => {
        if (data[0] === 0x10) socket.write(generate({ cmd: 'connack', sessionPresent: true, returnCode: 0 }))
        else if (data.equals(Buffer.of(0xc0, 0))) {
          socket.write(generate({ cmd: 'pingresp' }))
          if (++pings === 3) tell()
        } else socket.end()
      })
    })
    const fleet = fleetAt(port, [device('d1')], { keepAliveSeconds: 1 })
    await fleet.connect()
    await third
    expect(fleet.stats()).toMatchObject({ connected: 1, drops: 0 })
  })
})

describe('twins', () => {
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
})

test('five hundred devices at once answer every call exactly once and leave politely', async () => {
  const hub = await broker()
  const devices = Array.from({ length: 500 }, (_, index) => device(`d${index}`))
  const fleet = fleetAt(hub.port, devices, {
    // Each starts at once.
  })
  await fleet.connect({ parallel: 500 })
  expect(fleet.stats()).toMatchObject({ devices: 500, connected: 500 })
  const rids: string[] = []
  for (const { deviceId } of devices) {
    for (const turn of [1, 2]) {
      rids.push(`${deviceId}.${turn}`)
      hub.call(deviceId, 'm', `${deviceId}.${turn}`)
    }
  }
  await hub.until(() => hub.answers.length >= rids.length)
  expect(hub.answers.map(({ deviceId, rid }) => [deviceId, rid]).toSorted()).toStrictEqual(
    rids.map((rid) => [rid.split('.')[0], rid]).toSorted(),
  )
  expect(fleet.ledger.entries.map(({ rid }) => rid).toSorted()).toStrictEqual(rids.toSorted())
  await fleet.close()
  await hub.until(() => hub.clients.size === 0)
  expect(fleet.stats()).toMatchObject({ connected: 0, drops: 0, errors: 0 })
})
