import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { createFleet } from '../../src/simulator/fleet.ts'
import { createTestDatabase } from '../support/database.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { startHubProcess } from '../support/hub-process.ts'
import { freePorts } from '../support/ports.ts'
import { ReadAbort, ResumeJob, ScheduleMethod, WatchStatistics } from './operations.ts'

const fleetSize = 300
/** Calls in flight at a time. */
const atOnce = 20
const jobId = 'guarded'

test('a hub that is killed at the threshold of an abort rule holds the job when it is back, and calls nobody twice', {
  timeout: 240_000,
}, async () => {
  const database = await createTestDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'twincast-abort-'))
  const [http = 0, https = 0, mqtt = 0, mqtts = 0] = await freePorts(4)
  const start = () =>
    startHubProcess({
      DATABASE_URL: database.url,
      DATA_DIR: folder,
      HTTP_PORT: String(http),
      HTTPS_PORT: String(https),
      MQTT_PORT: String(mqtt),
      MQTTS_PORT: String(mqtts),
      METHOD_WINDOW: String(atOnce),
    })
  let hub = await start()
  const client = createHubClient({ url: hub.addresses.graphql })
  let received = 0
  const threshold = { count: 100, reached: () => {} }
  const reached = new Promise<void>((resolve) => {
    threshold.reached = resolve
  })
  const fleet = createFleet(
    {
      host: '127.0.0.1',
      port: mqtt,
      hubName: 'localhost',
      // Every second device refuses, so the rule acts as soon as 100 devices have ended.
      devices: await registerFleet(client, 'abort', fleetSize, (index) =>
        index % 2 === 0 ? { kind: 'refuse', status: 500, delayMs: 50 } : { kind: 'answer', payload: null, delayMs: 50 },
      ),
    },
    {
      onMethodRequest() {
        received++
        if (received >= threshold.count) threshold.reached()
      },
    },
  )
  const follow = async (isDone: (state: { readonly status: string; readonly running: number }) => boolean) => {
    for await (const { deviceJobStatistics } of client.subscribe(WatchStatistics, { jobId })) {
      const running = deviceJobStatistics.deviceJobStatistics?.runningCount ?? 0
      if (isDone({ status: deviceJobStatistics.job?.status ?? '', running })) return
    }
  }
  try {
    await fleet.connect()
    await client.execute(ScheduleMethod, {
      input: {
        jobId,
        queryCondition: "tags.fleet = 'abort'",
        cloudToDeviceMethod: { methodName: 'reboot', responseTimeoutInSeconds: 5 },
        rollout: { abort: [{ on: ['FAILED', 'REFUSED'], percent: 25, afterDevices: 100, action: 'PAUSE' }] },
      },
    })
    // From here to the threshold are at most as many answers as calls are in flight.
    await reached
    await hub.kill()
    hub = await start()
    await follow(({ status, running }) => status === 'PAUSED' && running === 0)

    const { job } = await client.execute(ReadAbort, { jobId })
    const [event, ...others] = job?.history?.filter(({ cause }) => cause === 'RULE') ?? []
    expect(others).toEqual([])
    expect(event).toMatchObject({ type: 'PAUSED' })
    const { endedCount = 0, callsInProgress = Number.NaN } = event?.abort ?? {}
    expect(endedCount).toBeGreaterThanOrEqual(100)
    // Those of this process, and those of the killed one that were not given up yet.
    expect(callsInProgress).toBeLessThanOrEqual(2 * atOnce)
    expect(job?.rollout?.abort).toMatchObject([{ hasActed: true }])
    // Exactly the calls that were under way have ended since, and no other was sent.
    const paused = await readDeviceJobs(client, jobId)
    const ended = paused.nodes.filter(({ status }) => status !== 'PENDING').length
    expect(ended).toBe(endedCount + callsInProgress)
    expect(received).toBeLessThanOrEqual(ended)

    await client.execute(ResumeJob, { input: { jobId } })
    await follow(({ status, running }) => status === 'PAUSED' && running === 0)
    const again = await client.execute(ReadAbort, { jobId })
    expect(again.job?.history?.filter(({ cause }) => cause === 'RULE')).toHaveLength(2)
    const devices = fleet.ledger.entries.map(({ deviceId }) => deviceId)
    expect(new Set(devices).size).toBe(devices.length)
  } finally {
    client.close()
    await fleet.close()
    expect(await hub.stop()).toBe(0)
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  }
})
