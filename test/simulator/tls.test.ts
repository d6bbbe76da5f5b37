import { expect, test } from 'vitest'
import { own, stranger } from './certificates.ts'
import { broker, device, fleetAt } from './setup.ts'

const devices = ['d1', 'd2', 'd3'].map((deviceId) => device(deviceId))

test.each(['127.0.0.1', 'localhost'])('devices connect over TLS to %s, whose authority they trust', async (host) => {
  const hub = await broker({ tls: own })
  const fleet = fleetAt(hub.port, devices, { host, tls: { ca: own.cert } })
  await fleet.connect()
  for (const { deviceId } of devices) hub.call(deviceId, 'm', deviceId, JSON.stringify('x'.repeat(100_000)))
  await hub.until(() => hub.answers.length === 3)
  expect(fleet.ledger.entries.map(({ rid }) => rid).toSorted()).toStrictEqual(['d1', 'd2', 'd3'])
  await fleet.close()
  await hub.until(() => hub.clients.size === 0)
})

test('devices do not connect over TLS to a hub whose authority they do not trust', async () => {
  const hub = await broker({ tls: own })
  const fleet = fleetAt(hub.port, devices, { reconnect: false, tls: { ca: stranger } })
  await expect(fleet.connect()).rejects.toThrow('self-signed certificate')
  expect(hub.clients.size).toBe(0)
})
