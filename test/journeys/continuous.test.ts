import { expect, test } from 'vitest'
import { createFleet } from '../../src/simulator/fleet.ts'
import type { LedgerEntry } from '../../src/simulator/received-calls.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { freePorts } from '../support/ports.ts'
import { openSeveralHubs } from '../support/several-hubs.ts'
import { ScheduleMethod, UpdateTwin, WatchStatistics } from './operations.ts'

const size = 60
const killedAfter = 20

test('devices join a continuous job through two instances, each once, while one of them is killed', {
  timeout: 300_000,
}, async () => {
  const hubs = await openSeveralHubs()
  const ports = await freePorts(2)
  const startAt = (port: number | undefined) => hubs.start({ MQTT_PORT: String(port) })
  const [first, second] = [await startAt(ports[0]), await startAt(ports[1])]
  let next: { readonly count: number; reached(): void } | undefined
  let received = 0
  const receivedCalls = (count: number) =>
    new Promise<void>((reached) => {
      next = { count, reached }
      if (received >= count) reached()
    })
  const listeners = {
    onMethodRequest(_entry: LedgerEntry) {
      received++
      if (next !== undefined && received >= next.count) next.reached()
    },
  }
  const devices = await registerFleet(second.client, 'joining', size, () => ({ kind: 'answer', payload: null }))
  const fleets = ports.map((port, place) =>
    createFleet(
      { host: '127.0.0.1', port, hubName: 'localhost', devices: devices.filter((_, index) => index % 2 === place) },
      listeners,
    ),
  )
  const join = (from: number, to: number) =>
    Promise.all(
      devices
        .slice(from, to)
        .map(({ deviceId }) =>
          second.client.execute(UpdateTwin, { input: { deviceId, patch: { tags: { ready: true } } } }),
        ),
    )
  try {
    await Promise.all(fleets.map((fleet) => fleet.connect()))
    await second.client.execute(ScheduleMethod, {
      input: {
        jobId: 'joined',
        queryCondition: 'tags.ready = true',
        targets: 'CONTINUOUS',
        cloudToDeviceMethod: { methodName: 'reboot', responseTimeoutInSeconds: 10 },
      },
    })
    // Patched through one instance, devices at both are called.
    await join(0, killedAfter)
    await receivedCalls(killedAfter)
    await Promise.all([join(killedAfter, size), first.kill()])
    await startAt(ports[0])
    for await (const { deviceJobStatistics: update } of second.client.subscribe(WatchStatistics, { jobId: 'joined' })) {
      const counted = update?.deviceJobStatistics
      if (counted?.deviceCount === size && counted.pendingCount + counted.runningCount === 0) break
    }

    const called = fleets.flatMap((fleet) => fleet.ledger.entries.map(({ deviceId }) => deviceId))
    expect(new Set(called).size).toBe(called.length)
    const { nodes, status, deviceJobStatistics } = await readDeviceJobs(second.client, 'joined')
    expect(status).toBe('RUNNING')
    expect(deviceJobStatistics).toMatchObject({ deviceCount: size, pendingCount: 0, runningCount: 0 })
    expect(nodes.map(({ deviceId }) => deviceId).sort()).toEqual(devices.map(({ deviceId }) => deviceId).sort())
    // Marked before the kill, or the answer was lost with its connection.
    const codes = nodes.filter((node) => node.status !== 'COMPLETED').map(({ error }) => error?.code)
    expect(['OutcomeUnknown', 'GatewayTimeout']).toEqual(expect.arrayContaining([...new Set(codes)]))
  } finally {
    await Promise.all(fleets.map((fleet) => fleet.close()))
    await hubs.close()
  }
})
