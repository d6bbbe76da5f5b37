import { once } from 'node:events'
import { createServer } from 'node:net'
import mqttPacket from 'mqtt-packet'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { settlePolicies } from '../../src/access/commands.ts'
import { deleteDevice, updateDevice } from '../../src/device/commands.ts'
import { methodsFilter } from '../../src/mqtt/topics.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock } from '../support/clock.ts'
import {
  connectClient,
  connectPacket,
  connectRaw,
  givenDevice,
  holdReads,
  hubName,
  openRaw,
  publishPacketOf,
  type RawDevice,
  secondaryKey,
  startDoor,
  subscribeRaw,
  type TestDoor,
  tokenOf,
} from './door.ts'

const wrongKey = 'd3Jvbmd3cm9uZ3dyb25nd3Jvbmd3cm9uZ3dyb25nMTI='
const policyKeys: Record<string, string> = {}
const reads = holdReads()
let hub: TestDoor
beforeAll(async () => {
  hub = await startDoor({ db: reads.db, hostNames: [hubName, 'localhost'] })
  await settlePolicies(hub.deps, wrongKey, undefined)
  const { rows } = await hub.deps.database.pool.query('select name, primary_key from policy')
  for (const row of rows) policyKeys[row.name] = row.primary_key
})
afterAll(() => hub.close())

const soon = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

/** The return code that a CONNECT is answered with. */
async function returnCodeFor(deviceId: string, changes: object): Promise<unknown> {
  const device = await openRaw(hub.port)
  device.write(connectPacket(deviceId, changes))
  const answer = await device.next()
  if (answer === 'closed' || answer.cmd !== 'connack') return answer
  if (answer.returnCode !== 0) expect(await device.next()).toBe('closed')
  device.end()
  return answer.returnCode
}

/** Resolves when the device is still connected and has heard of nothing else. */
async function staysConnected(device: RawDevice): Promise<void> {
  device.write({ cmd: 'pingreq' })
  expect(await device.next()).toMatchObject({ cmd: 'pingresp' })
}

const connectionState = async (deviceId: string): Promise<string> => {
  const { rows } = await hub.deps.database.pool.query(
    'select connection_state as state, connection_id as id, instance_id as instance from device where id = $1',
    [deviceId],
  )
  const [{ state, id, instance }] = rows
  return `${state} ${id === null ? '-' : 'by id'} ${instance ?? '-'}`
}

const withToken = (credential: Parameters<typeof tokenOf>[1]) => (deviceId: string) => ({
  password: Buffer.from(tokenOf(deviceId, credential)),
})
const withUserName = (userName: string) => (deviceId: string) => ({ username: userName.replace('{id}', deviceId) })

describe('a connection is let in', () => {
  test.each<[string, (deviceId: string) => object]>([
    ['with the primary key', () => ({})],
    ['with the secondary key', withToken({ key: secondaryKey })],
    ['with a clean session', () => ({ clean: true })],
    ['with a token that has just expired', withToken({ expiry: soon(-60) })],
    ['with a token for centuries, as devices that cannot sign are given', withToken({ expiry: 9_999_999_999 })],
    ['with a token for the whole hub signed with its own key', withToken({ resource: hubName })],
    ['with a token for the hub by another of its names', withToken({ host: 'LOCALHOST:8883' })],
    ['with a port behind the name of the hub', withUserName(`${hubName}:8883/{id}/?api-version=2021-04-12`)],
    ['with the name of the hub in capitals', withUserName(`${hubName.toUpperCase()}/{id}/?api-version=2021-04-12`)],
    ['with a model id and product info', withUserName(`${hubName}/{id}/?api-version=2020-09-30&model-id=dtmi:a:b;1&x`)],
    ['in the form of old clients', withUserName(`${hubName}/{id}/api-version=2016-11-14`)],
    ['without an api version', withUserName(`${hubName}/{id}`)],
    [
      'with telemetry of its own as its will',
      (id) => ({ will: { topic: `devices/${id}/messages/events/`, payload: 'bye', qos: 1, retain: true } }),
    ],
  ])('%s', async (_, changes) => {
    const deviceId = await givenDevice(hub)
    expect(await returnCodeFor(deviceId, changes(deviceId))).toBe(0)
  })

  test('with the token of a policy that may connect devices', async () => {
    const deviceId = await givenDevice(hub)
    const key = policyKeys.device ?? ''
    expect(await returnCodeFor(deviceId, withToken({ key, policyName: 'device', resource: hubName })(deviceId))).toBe(0)
  })
})

describe('a connection is refused', () => {
  const will = (topic: string, qos = 0) => ({ will: { topic, payload: 'x', qos, retain: false } })
  test.each<[string, number, (deviceId: string) => object]>([
    ['with a wrong key', 5, withToken({ key: wrongKey })],
    ['with an expired token', 5, withToken({ expiry: soon(-600) })],
    ['with the token of another device', 5, () => withToken({})('device-0')],
    ['with a token for a device whose name is the beginning of its own', 5, (id) => withToken({})(id.slice(0, -1))],
    ['with a token for another hub', 5, withToken({ host: 'other.example.test' })],
    ['with another hub in its user name', 5, withUserName('other.example.test/{id}/?api-version=2021-04-12')],
    ['with another device in its user name', 5, withUserName(`${hubName}/device-0/?api-version=2021-04-12`)],
    ['with its id in other letters', 5, (id) => ({ clientId: id.toUpperCase() })],
    ['as a module', 5, (id) => ({ clientId: `${id}/m`, username: `${hubName}/${id}/m/?api-version=2021-04-12` })],
    ['without a user name and password', 5, () => ({ username: undefined, password: undefined })],
    ['without a password', 5, () => ({ password: Buffer.alloc(0) })],
    ['with a password that is no token', 5, () => ({ password: Buffer.from('secret') })],
    ['with the will to answer a method', 5, () => will('$iothub/methods/res/200/?$rid=1')],
    ['with the will to throw another out', 5, () => will('$SYS/x/new/clients')],
    ['with telemetry of another device as its will', 5, () => will('devices/device-0/messages/events/')],
    ['with a will at QoS 2', 5, (id) => will(`devices/${id}/messages/events/`, 2)],
    ['with U+0000 in its user name', 5, withUserName(`${hubName}/{id}/?api-version=2021-04-12&x=\0`)],
    ['with U+0000 in the topic of its will', 5, (id) => will(`devices/${id}/messages/events/a=\0`)],
    ['without a client id', 2, () => ({ clientId: '', clean: true })],
    ['with the protocol level of MQTT 3.1', 1, () => ({ protocolId: 'MQIsdp', protocolVersion: 3 })],
    ['with the protocol level of MQTT 5', 1, () => ({ protocolVersion: 5 })],
  ])('%s (%i)', async (_, returnCode, changes) => {
    const deviceId = await givenDevice(hub)
    expect(await returnCodeFor(deviceId, changes(deviceId))).toBe(returnCode)
    expect(await connectionState(deviceId)).toBe('disconnected - -')
  })

  test('with the token of a policy that may not connect devices', async () => {
    const deviceId = await givenDevice(hub)
    const key = policyKeys.service ?? ''
    const changes = withToken({ key, policyName: 'service', resource: hubName })(deviceId)
    expect(await returnCodeFor(deviceId, changes)).toBe(5)
  })

  test('when the device is disabled or unknown', async () => {
    expect(await returnCodeFor(await givenDevice(hub, { status: 'disabled' }), {})).toBe(5)
    expect(await returnCodeFor('nobody', {})).toBe(5)
    expect(await returnCodeFor('no\0body', {})).toBe(5)
  })

  test('with an empty client id and a session to keep, by code 2', async () => {
    // The codec refuses to print such a packet.
    const device = await openRaw(hub.port)
    device.write(Uint8Array.of(0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0, 0, 60, 0, 0))
    expect(await device.next()).toMatchObject({ cmd: 'connack', returnCode: 2 })
    expect(await device.next()).toBe('closed')
  })

  test.each([0, 6, 0x84])('with the protocol level %i, which nobody knows', async (level) => {
    const device = await openRaw(hub.port)
    device.write(Uint8Array.of(0x10, 14, 0, 4, 0x4d, 0x51, 0x54, 0x54, level, 2, 0, 60, 0, 2, 0x64, 0x31))
    expect(await device.next()).toMatchObject({ cmd: 'connack', returnCode: 1 })
    expect(await device.next()).toBe('closed')
  })

  test('with code 3 while the database cannot be asked', async () => {
    const deviceId = await givenDevice(hub)
    await hub.deps.database.pool.query('alter table device rename to hidden')
    const returnCode = await returnCodeFor(deviceId, {})
    await hub.deps.database.pool.query('alter table hidden rename to device')
    expect(returnCode).toBe(3)
  })
})

describe('a connection is closed', () => {
  const own = 'devices/{id}/messages/events/'
  test.each([
    ['a topic of nobody', 'a/b'],
    ['a system topic', '$SYS/x/new/clients'],
    ['telemetry of another device', 'devices/device-0/messages/events/'],
    ['telemetry of a module', 'devices/{id}/modules/m/messages/events/'],
    ['a message to a device', 'devices/{id}/messages/devicebound/'],
    ['a method request', '$iothub/methods/POST/reboot/?$rid=1'],
    ['a twin response', '$iothub/twin/res/200/?$rid=1'],
    ['a desired patch', '$iothub/twin/PATCH/properties/desired/?$version=1'],
    ['a method response without a request id', '$iothub/methods/res/200/'],
    ['a topic with more levels than there are', `${own}${'a/'.repeat(20)}`],
    ['an empty topic', ''],
    ['a topic with U+0000', `${own}a=\0`],
    ['an answer with U+0000 in its request id', '$iothub/methods/res/200/?$rid=a\0b'],
  ])('that publishes to %s', async (_, topic) => {
    const deviceId = await givenDevice(hub)
    const device = await connectRaw(hub.port, deviceId)
    device.write(publishRaw(topic.replace('{id}', deviceId)))
    expect(await device.next()).toBe('closed')
  })

  test('that publishes with wildcards', async () => {
    for (const topic of ['$iothub/methods/res/200/?$rid=+', 'devices/+/messages/events/', '#']) {
      const device = await connectRaw(hub.port, await givenDevice(hub))
      device.write(publishRaw(topic))
      expect(await device.next()).toBe('closed')
    }
  })

  test('that sends text that is not UTF-8', async () => {
    const deviceId = await givenDevice(hub)
    const device = await connectRaw(hub.port, deviceId)
    device.write(publishRaw(Buffer.concat([Buffer.from(`devices/${deviceId}/messages/events/a=`), Buffer.of(0xff)])))
    expect(await device.next()).toBe('closed')
  })

  test.each(['subscribe', 'unsubscribe'])('that sends U+0000 in the filter of an %s', async (cmd) => {
    const device = await connectRaw(hub.port, await givenDevice(hub))
    const filters = ['$iothub/twin/res/#', '$iothub/\0/#']
    const subscriptions = filters.map((topic) => ({ topic, qos: 0 as const }))
    device.write(
      cmd === 'subscribe'
        ? { cmd, messageId: 7, subscriptions }
        : { cmd: 'unsubscribe', messageId: 7, unsubscriptions: filters },
    )
    expect(await device.next()).toBe('closed')
  })

  test('that publishes at QoS 2', async () => {
    const deviceId = await givenDevice(hub)
    const device = await connectRaw(hub.port, deviceId)
    device.write(publishPacketOf(own.replace('{id}', deviceId), 'x', { qos: 2, messageId: 3 }))
    expect(await device.next()).toBe('closed')
  })

  test('that sends a second CONNECT', async () => {
    const deviceId = await givenDevice(hub)
    const device = await connectRaw(hub.port, deviceId)
    device.write(connectPacket(deviceId))
    expect(await device.next()).toBe('closed')
  })

  test('that sends anything before CONNECT', async () => {
    for (const packet of [
      mqttPacket.generate({ cmd: 'pingreq' }),
      publishRaw('a'),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    ]) {
      const device = await openRaw(hub.port)
      device.write(packet)
      expect(await device.next()).toBe('closed')
    }
  })

  test('that announces a packet over 256 KB, and before CONNECT one over 16 KB', async () => {
    const stranger = await openRaw(hub.port)
    stranger.write(Uint8Array.of(0x10, 0x80, 0x80, 0x02)) // 32 KB
    expect(await stranger.next()).toBe('closed')
    const device = await connectRaw(hub.port, await givenDevice(hub))
    device.write(Uint8Array.of(0x30, 0x81, 0x80, 0x10)) // 256 KB and a byte
    expect(await device.next()).toBe('closed')
  })

  test('that is silent for one and a half times its keep alive', async () => {
    const device = await connectRaw(hub.port, await givenDevice(hub), { keepalive: 1 })
    expect(await device.next()).toBe('closed')
  })

  test.each([
    [1_178, 1_767_001],
    [1_179, 1_767_001],
    [65_535, 1_767_001],
    [0, 1_767_001],
    [60, 90_001],
  ])('that is silent: with a keep alive of %i seconds after %i milliseconds', async (keepalive, silence) => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    try {
      const device = await connectRaw(hub.port, await givenDevice(hub), { keepalive })
      const delays = timers.mock.calls.map(([, ms = 0]) => ms)
      expect(delays.filter((ms) => ms > 60_000)).toEqual([silence])
      device.end()
    } finally {
      timers.mockRestore()
    }
  })

  test('when its device connects again, and presence is that of the newer one', async () => {
    const deviceId = await givenDevice(hub)
    const older = await connectRaw(hub.port, deviceId)
    const newer = await connectRaw(hub.port, deviceId)
    expect(await older.next()).toBe('closed')
    await expect.poll(() => connectionState(deviceId)).toBe(`connected by id ${hub.deps.lease.instanceId}`)
    await staysConnected(newer)
    newer.end()
    await expect.poll(() => connectionState(deviceId)).toBe('disconnected - -')
  })

  test.each([
    [
      'disabled',
      (deviceId: string) => updateDevice(hub.deps, everything, { deviceId, ifMatch: '*', status: 'disabled' }),
    ],
    ['deleted', (deviceId: string) => deleteDevice(hub.deps, everything, { deviceId, ifMatch: '*' })],
    [
      'given other keys',
      (deviceId: string) =>
        updateDevice(hub.deps, everything, {
          deviceId,
          ifMatch: '*',
          authentication: { symmetricKey: { primaryKey: wrongKey, secondaryKey: wrongKey } },
        }),
    ],
  ])('when its device is %s, and no other', async (_, change) => {
    const deviceId = await givenDevice(hub)
    const device = await connectRaw(hub.port, deviceId)
    const other = await connectRaw(hub.port, await givenDevice(hub))
    await change(deviceId)
    expect(await device.next()).toBe('closed')
    await staysConnected(other)
    other.end()
  })

  test('when its device was disabled while its token was being looked at', async () => {
    const deviceId = await givenDevice(hub)
    const hold = reads.hold('find-identity')
    const device = await openRaw(hub.port)
    device.write(connectPacket(deviceId))
    await hold.made
    await updateDevice(hub.deps, everything, { deviceId, ifMatch: '*', status: 'disabled' })
    hold.release()
    let packet = await device.next()
    while (packet !== 'closed') packet = await device.next()
    await expect.poll(() => connectionState(deviceId)).toBe('disconnected - -')
  })
})

/** PUBLISH at QoS 0 with whatever topic; the codec refuses some of them. */
function publishRaw(topic: string | Buffer): Buffer {
  const text = Buffer.from(topic)
  return Buffer.concat([Buffer.of(0x30, 2 + text.length, text.length >> 8, text.length & 0xff), text])
}

test('a connection stays when its device is changed and may still connect', async () => {
  const deviceId = await givenDevice(hub)
  const device = await connectRaw(hub.port, deviceId)
  const again = reads.hold('find-identity')
  await updateDevice(hub.deps, everything, { deviceId, ifMatch: '*', statusReason: 'looked at' })
  await again.made
  again.release()
  await staysConnected(device)
  device.end()
})

test('telemetry is acknowledged, kept nowhere and delivered to no device', async () => {
  const deviceId = await givenDevice(hub)
  const device = await connectRaw(hub.port, deviceId)
  await subscribeRaw(device, methodsFilter)
  const topic = `devices/${deviceId}/messages/events/%24.ct=a`
  device.write(publishPacketOf(topic, 'x'.repeat(200_000), { qos: 1, messageId: 5, retain: true }))
  expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 5 })
  device.write(publishPacketOf(topic, 'x'))
  await staysConnected(device)
  expect(hub.door.stats().telemetry).toBeGreaterThanOrEqual(2)
  device.end()
})

test('a device subscribes to its four filters and to nothing else', async () => {
  const deviceId = await givenDevice(hub)
  const device = await connectRaw(hub.port, deviceId)
  const granted = await subscribeRaw(
    device,
    { topic: methodsFilter, qos: 2 },
    { topic: '$iothub/twin/res/#', qos: 0 },
    { topic: '$iothub/twin/PATCH/properties/desired/#', qos: 1 },
    { topic: `devices/${deviceId}/messages/devicebound/#`, qos: 1 },
    'devices/device-0/messages/devicebound/#',
    'devices/+/messages/devicebound/#',
    '#',
    '+/+',
    '$SYS/#',
    '$share/group/$iothub/methods/POST/#',
    '$iothub/#',
    '$iothub/methods/POST/reboot/#',
    '$iothub/twin/res/+/+',
  )
  expect(granted).toEqual([1, 0, 1, 1, ...Array(9).fill(0x80)])
  device.end()
})

test('every filter of a SUBSCRIBE gets a code, also one that stands in it twice', async () => {
  const deviceId = await givenDevice(hub)
  const device = await connectRaw(hub.port, deviceId)
  const twice = [
    { topic: methodsFilter, qos: 0 },
    { topic: 'a/#', qos: 0 },
    { topic: methodsFilter, qos: 2 },
    { topic: 'a/#', qos: 1 },
  ] as const
  expect(await subscribeRaw(device, ...twice)).toEqual([0, 0x80, 1, 0x80])
  expect(hub.deps.attached.reaches(deviceId)).toBe(true)
  device.end()
})

test('a SUBSCRIBE or an UNSUBSCRIBE of more than a hundred filters closes the connection', async () => {
  const filters = (count: number) => ({
    cmd: 'subscribe' as const,
    messageId: 1,
    subscriptions: Array.from({ length: count }, () => ({ topic: methodsFilter, qos: 0 as const })),
  })
  const device = await connectRaw(hub.port, await givenDevice(hub))
  device.write(filters(100))
  expect(await device.next()).toMatchObject({ cmd: 'suback' })
  device.write(filters(101))
  expect(await device.next()).toBe('closed')
  const leaving = await connectRaw(hub.port, await givenDevice(hub))
  leaving.write({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: Array<string>(101).fill(methodsFilter) })
  expect(await leaving.next()).toBe('closed')
})

test('what one device does about system topics concerns no other', async () => {
  const victim = await givenDevice(hub)
  const device = await connectRaw(hub.port, victim)
  const offender = await connectRaw(hub.port, await givenDevice(hub))
  offender.write(publishPacketOf('$SYS/x/new/clients', victim))
  expect(await offender.next()).toBe('closed')
  await staysConnected(device)
  device.end()
})

test('the mqtt package can connect, subscribe and publish', async () => {
  const deviceId = await givenDevice(hub)
  const client = await connectClient(hub.port, deviceId)
  expect(await client.subscribeAsync(methodsFilter, { qos: 2 })).toMatchObject([{ topic: methodsFilter, qos: 1 }])
  await client.publishAsync(`devices/${deviceId}/messages/events/`, 'x', { qos: 1 })
  await client.endAsync()
  await expect(connectClient(hub.port, deviceId, { password: 'x' })).rejects.toMatchObject({ code: 5 })
})

test('a connection ends five minutes after its token', async () => {
  const clock = createTestClock(new Date())
  const timed = await startDoor({ clock })
  const deviceId = await givenDevice(timed)
  const expiry = Math.floor(clock.now().getTime() / 1000) + 60
  const device = await connectRaw(timed.port, deviceId, withToken({ expiry })(deviceId))
  clock.advance(60_000 + 290_000)
  await clock.asleep()
  await staysConnected(device)
  clock.advance(20_000)
  expect(await device.next()).toBe('closed')
  await timed.close()
})

test('when the door closes all its devices are disconnected', async () => {
  const closing = await startDoor()
  const deviceIds = await Promise.all([givenDevice(closing), givenDevice(closing)])
  const devices = await Promise.all(deviceIds.map((deviceId) => connectRaw(closing.port, deviceId)))
  const states = async () =>
    (await closing.deps.database.pool.query('select connection_state from device')).rows.map(
      (row) => row.connection_state,
    )
  await expect.poll(states).toEqual(['connected', 'connected'])
  const stranger = await openRaw(closing.port)
  await closing.door.close()
  expect(await states()).toEqual(['disconnected', 'disconnected'])
  for (const device of [...devices, stranger]) expect(await device.next()).toBe('closed')
  await closing.close()
})

test('a hub that stops lets nobody in any more, and those who are in may still answer', async () => {
  const leaving = await startDoor()
  const deviceId = await givenDevice(leaving)
  const device = await connectRaw(leaving.port, deviceId)
  const stranger = await openRaw(leaving.port)
  leaving.door.turnAway()
  await expect(openRaw(leaving.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  stranger.write(connectPacket(await givenDevice(leaving)))
  expect(await stranger.next()).toMatchObject({ cmd: 'connack', returnCode: 3 })
  device.write(publishPacketOf('$iothub/methods/res/200/?$rid=r1', '1'))
  expect(await leaving.nextAnswer()).toMatchObject({ deviceId, requestId: 'r1' })
  leaving.door.hangUp()
  expect(await device.next()).toBe('closed')
  await leaving.close()
})

test('a listener takes no more connections than it may', async () => {
  const small = await startDoor({ limits: { mqttConnections: 1 } })
  const device = await connectRaw(small.port, await givenDevice(small))
  expect(await (await openRaw(small.port)).next()).toBe('closed')
  await staysConnected(device)
  await small.close()
})

test('a connection that never finishes its TLS handshake is closed', async () => {
  const impatient = await startDoor({ handshakeTimeout: 20 })
  expect(await (await openRaw(impatient.tlsPort)).next()).toBe('closed')
  await impatient.close()
})

test('a port that is in use is named by its variable, and plain MQTT stays on loopback', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const pem = { cert: '', key: '' }
  await expect(hub.door.listen({ mqtts: { host: '127.0.0.1', port }, ...pem })).rejects.toThrow(
    `MQTTS_PORT is ${port}, but the hub cannot listen on 127.0.0.1:${port}: another program uses this port`,
  )
  await expect(hub.door.listen({ mqtt: { host: '127.0.0.1', port }, ...pem })).rejects.toThrow('MQTT_PORT')
  await expect(hub.door.listen({ mqtt: { host: '0.0.0.0', port: 0 }, ...pem })).rejects.toThrow('loopback')
  taken.close()
})

test('one address has only so many connections to each port', async () => {
  const crowded = await startDoor({ limits: { addressConnections: 1 } })
  for (const port of [crowded.port, crowded.tlsPort]) {
    const first = await openRaw(port)
    const second = await openRaw(port)
    await expect.poll(() => second.socket.closed).toBe(true)
    expect(first.socket.closed).toBe(false)
    first.end()
  }
  await crowded.close()
})

test('an instance whose lease is over lets no device in: another instance may have it', async () => {
  let holds = true
  const doubtful = await startDoor({ lease: (real) => ({ ...real, holds: () => holds }) })
  const deviceId = await givenDevice(doubtful)
  const before = await connectRaw(doubtful.port, deviceId)
  before.end()
  holds = false
  const device = await openRaw(doubtful.port)
  device.write(connectPacket(deviceId))
  expect(await device.next()).toMatchObject({ cmd: 'connack', returnCode: 3 })
  expect(await device.next()).toBe('closed')
  await doubtful.close()
})
