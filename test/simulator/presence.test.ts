import { generate } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { ConnectionLostError, ConnectRefusedError } from '../../src/simulator/errors.ts'
import { broker, device, first, fleetAt, rawServer } from './setup.ts'

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
    device('later', { kind: 'late', afterMs: 86_400_000 }),
  ])
  // This waits for no device that is late.
  await fleet.connect()
  await hub.until(() => hub.clients.has('late'))
  expect([...hub.clients.keys()]).toStrictEqual(['there', 'late'])
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
  await hub.until(() => !hub.clients.has('d1'))
  await fleet.connect()
  await hub.until(() => hub.clients.has('d1'))
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
