import { connect, type NatsConnection } from '@nats-io/transport-node'
import { Client, Message } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { registerFleet } from '../support/fleet.ts'
import { isNatsMissing, type NatsServer, startNatsServer } from '../support/nats-server.ts'
import { freePorts } from '../support/ports.ts'
import { FollowTelemetry, ScheduleMethod, WatchStatistics } from './operations.ts'

/** What an instance does every five seconds it does four times per second. */
const quick: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms === 5_000 ? 250 : ms, signal) }

/** How an instance is, and what its probe says of the bus. */
async function checkOf(app: TestApp): Promise<{ readonly status: number; readonly bus: unknown }> {
  const response = await fetch(new URL('/readyz', app.addresses.http))
  const { checks } = await response.json()
  return { status: response.status, bus: checks.bus }
}
const withoutNats = {
  status: 200,
  bus: { ok: false, reason: 'No server in BUS_URL is connected. PostgreSQL carries messages between instances.' },
}

/** Calls a device through an instance. */
async function callAt(app: TestApp, deviceId: string): Promise<unknown> {
  const response = await fetch(new URL(`/twins/${deviceId}/methods?api-version=2021-04-12`, app.addresses.http), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: app.ownerToken },
    body: JSON.stringify({ methodName: 'reboot' }),
  })
  return { status: response.status, body: await response.json() }
}

describe.skipIf(isNatsMissing)('two instances with NATS', () => {
  let server: NatsServer
  let database: TestDatabase
  let a: TestApp
  let b: TestApp
  let fleet: Fleet
  let observer: NatsConnection
  /** The first words of the subjects of what NATS carried. */
  const carried = new Set<string>()
  const observe = async (): Promise<void> => {
    observer = await connect({ servers: server.url.slice('nats://'.length) })
    observer.subscribe('twincast.>', {
      callback: (_error, { subject }) => void carried.add(subject.split('.')[2] ?? ''),
    })
    await observer.flush()
  }
  beforeAll(async () => {
    server = await startNatsServer()
    await observe()
    database = await createTestDatabase()
    const variables = { DATABASE_URL: database.url, BUS_URL: server.url }
    a = await startApp(variables, quick)
    b = await startApp(variables, quick)
    const devices = await registerFleet(a.client, 'far', 2, () => ({ kind: 'answer' }))
    fleet = createFleet({
      host: '127.0.0.1',
      port: a.mqttPort,
      hubName: 'localhost',
      devices: devices.slice(0, 1),
      readTwin: false,
      reconnect: false,
    })
    await fleet.connect()
  })
  afterAll(async () => {
    await fleet.close()
    await Promise.all([a.close(), b.close()])
    await observer.close()
    await server.close()
    await database.drop()
  })

  const metricOf = async (app: TestApp, line: RegExp): Promise<string | undefined> =>
    line.exec(await (await fetch(new URL('/metrics', app.addresses.metrics))).text())?.[1]
  /** Waits until each of the instances hears so many others on NATS. */
  const onNats = async (peers: number): Promise<void> => {
    for (const app of [a, b]) {
      await expect.poll(() => metricOf(app, /^twincast_bus_peers\{transport="nats"\} (\d+)$/m)).toBe(String(peers))
    }
  }
  const call = (): Promise<unknown> => callAt(b, 'far-0')
  /** Waits until NATS has carried a call and its answer. */
  const callByNats = async (): Promise<void> => {
    await expect
      .poll(async () => {
        carried.clear()
        expect(await call()).toMatchObject({ status: 200, body: { status: 200 } })
        return [...carried]
      })
      .toEqual(expect.arrayContaining(['call', 'reply']))
  }

  test('a direct call reaches the device of the other instance by NATS', async () => {
    await onNats(1)
    await callByNats()
  })

  test('a job that is scheduled at one instance is followed there while the other works on it', async () => {
    carried.clear()
    const { scheduleDeviceMethod } = await b.client.execute(ScheduleMethod, {
      input: { queryCondition: "deviceId = 'far-0'", cloudToDeviceMethod: { methodName: 'reboot' } },
    })
    const jobId = (scheduleDeviceMethod && 'job' in scheduleDeviceMethod && scheduleDeviceMethod.job?.jobId) || ''
    let status = ''
    for await (const { deviceJobStatistics } of b.client.subscribe(WatchStatistics, { jobId })) {
      status = deviceJobStatistics.job.status
    }
    expect(status).toBe('COMPLETED')
    expect([...carried]).toContain('hint')
  })

  test('telemetry reaches those who follow the device at the other instance, by NATS', async () => {
    const [device] = await registerFleet(a.client, 'told', 1, () => ({ kind: 'offline' }))
    const sender = Client.fromConnectionString(
      `HostName=localhost;DeviceId=told-0;SharedAccessKey=${device?.primaryKey};GatewayHostName=localhost:${a.mqttsPort}`,
      Mqtt,
    )
    await sender.setOptions({ ca: a.ca })
    await sender.open()
    const messages = b.client.subscribe(FollowTelemetry, { deviceId: 'told-0' })[Symbol.asyncIterator]()
    try {
      const heard: unknown[] = []
      const first = messages.next().then(({ value }) => heard.push(value))
      carried.clear()
      // Until those who follow have been heard of.
      await expect
        .poll(async () => {
          await sender.sendEvent(new Message(JSON.stringify({ degrees: 21 })))
          return heard
        })
        .toContainEqual({ telemetry: { deviceId: 'told-0', properties: {}, body: { degrees: 21 } } })
      await first
      expect([...carried]).toContain('tap')
    } finally {
      await messages.return?.()
      await sender.close()
    }
  })

  test('calls arrive while NATS is down, probes and metrics show it, and NATS carries them again when it is back', async () => {
    expect(await checkOf(b)).toEqual({ status: 200, bus: { ok: true } })
    await server.stop()
    for (const app of [a, b]) {
      await expect.poll(() => checkOf(app)).toEqual(withoutNats)
      expect(await metricOf(app, /^twincast_bus_connected\{transport="nats"\} (\d)$/m)).toBe('0')
    }
    const before = fleet.ledger.entries.length
    expect(await call()).toMatchObject({ status: 200, body: { status: 200 } })
    expect(fleet.ledger.entries).toHaveLength(before + 1)

    await observer.close()
    await server.start()
    await observe()
    await onNats(1)
    await callByNats()
    expect([...a.errors, ...b.errors]).toEqual([])
  })
})

test('hubs that do not reach NATS at their start begin all the same, say so, and PostgreSQL carries their calls', async () => {
  const [port = 0] = await freePorts(1)
  const database = await createTestDatabase()
  const variables = { DATABASE_URL: database.url, BUS_URL: `nats://127.0.0.1:${port}` }
  const [a, b] = [await startApp(variables), await startApp(variables)]
  const devices = await registerFleet(a.client, 'far', 1, () => ({ kind: 'answer' }))
  const fleet = createFleet({ host: '127.0.0.1', port: a.mqttPort, hubName: 'localhost', devices, reconnect: false })
  try {
    await fleet.connect()
    expect(await callAt(b, 'far-0')).toMatchObject({ status: 200, body: { status: 200 } })
    expect(fleet.ledger.entries).toHaveLength(1)
    for (const app of [a, b]) expect(await checkOf(app)).toEqual(withoutNats)
  } finally {
    await fleet.close()
    await Promise.all([a.close(), b.close()])
    await database.drop()
  }
})
