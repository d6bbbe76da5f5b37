import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { createFleet } from '../../src/simulator/fleet.ts'
import { createTestDatabase } from '../support/database.ts'
import { registerFleet } from '../support/fleet.ts'
import { startHubProcess } from '../support/hub-process.ts'
import { freePorts } from '../support/ports.ts'
import { OpenWave, ReadWaves, ScheduleMethod, WatchStatistics } from './operations.ts'

const fleetSize = 120
const jobId = 'waved'

test('a hub that is killed when waves are opened and gates are judged calls no wave early, and each device once at most', {
  timeout: 240_000,
}, async () => {
  const database = await createTestDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'twincast-waves-'))
  const [http = 0, https = 0, mqtt = 0, mqtts = 0] = await freePorts(4)
  const start = () =>
    startHubProcess({
      DATABASE_URL: database.url,
      DATA_DIR: folder,
      HTTP_PORT: String(http),
      HTTPS_PORT: String(https),
      MQTT_PORT: String(mqtt),
      MQTTS_PORT: String(mqtts),
    })
  let hub = await start()
  const client = createHubClient({ url: hub.addresses.graphql })
  let received = 0
  let next = { count: Number.POSITIVE_INFINITY, reached: () => {} }
  const receivedCalls = (count: number) =>
    new Promise<void>((reached) => {
      next = { count, reached }
      if (received >= count) reached()
    })
  const fleet = createFleet(
    {
      host: '127.0.0.1',
      port: mqtt,
      hubName: 'localhost',
      devices: await registerFleet(client, 'waves', fleetSize, () => ({ kind: 'answer', payload: null, delayMs: 50 })),
    },
    {
      onMethodRequest() {
        received++
        if (received >= next.count) next.reached()
      },
    },
  )
  /** The numbers of the open waves. */
  const openWaves = async () => {
    const { job } = await client.execute(ReadWaves, { jobId })
    return { job, open: (job?.waves ?? []).filter(({ openedTime }) => openedTime !== null).length }
  }
  const restart = async () => {
    await hub.kill()
    hub = await start()
  }
  try {
    await fleet.connect()
    await client.execute(ScheduleMethod, {
      input: {
        jobId,
        queryCondition: "tags.fleet = 'waves'",
        cloudToDeviceMethod: { methodName: 'reboot', responseTimeoutInSeconds: 5 },
        // The first gate is judged while the hub is killed, the second needs a client, the third needs all devices to end.
        rollout: { waves: [{ devices: 20 }, { devices: 20, gate: { soakSeconds: 3600 } }, { devices: 20 }, {}] },
      },
    })
    await receivedCalls(20)
    await restart()
    await receivedCalls(21)
    expect((await openWaves()).open).toBe(2)
    await restart()
    // The second wave has ended, as answered or given up, and soaks for an hour.
    for await (const { deviceJobStatistics } of client.subscribe(WatchStatistics, { jobId })) {
      const counts = deviceJobStatistics.deviceJobStatistics
      if (counts?.runningCount === 0 && counts.pendingCount === fleetSize - 40) break
    }
    expect((await openWaves()).open).toBe(2)
    const before = received
    expect(before).toBeLessThanOrEqual(40)
    await client.execute(OpenWave, { input: { jobId, wave: 3 } })
    await restart()
    for await (const _ of client.subscribe(WatchStatistics, { jobId }));
    const { job, open } = await openWaves()
    expect({ status: job?.status, open }).toEqual({ status: 'COMPLETED', open: 4 })
    const devices = fleet.ledger.entries.map(({ deviceId }) => deviceId)
    expect(new Set(devices).size).toBe(devices.length)
    expect(job?.history?.filter(({ type }) => type === 'WAVE_OPENED').map(({ wave }) => wave)).toEqual([2, 3, 4])
    expect(job?.waves?.map(({ deviceJobStatistics }) => deviceJobStatistics?.deviceCount)).toEqual([20, 20, 20, 60])
  } finally {
    client.close()
    await fleet.close()
    expect(await hub.stop()).toBe(0)
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  }
})
