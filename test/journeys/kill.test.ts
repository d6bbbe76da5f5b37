import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { createFleet } from '../../src/simulator/fleet.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { startHubProcess } from '../support/hub-process.ts'
import { freePorts } from '../support/ports.ts'
import { ScheduleMethod, WatchStatistics } from './operations.ts'

const fleetSize = 600
/** How many calls the devices have received when the program is killed, each time. */
const killCount = [50, 150, 250, 350, 450]

test('a program that is killed again and again in the middle of a job sends no device its call twice and loses none', {
  timeout: 960_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-kill-'))
  const [http = 0, https = 0, mqtt = 0, mqtts = 0] = await freePorts(4)
  const start = () =>
    startHubProcess({
      DATA_DIR: folder,
      HTTP_PORT: String(http),
      HTTPS_PORT: String(https),
      MQTT_PORT: String(mqtt),
      MQTTS_PORT: String(mqtts),
      // Few at a time, so that the job lasts through all the kills.
      METHOD_WINDOW: '40',
    })
  let hub = await start()
  const client = createHubClient({ url: hub.addresses.graphql })

  let received = 0
  let next: { readonly count: number; reached(): void } | undefined
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
      devices: await registerFleet(client, 'kill', fleetSize, (index) => ({
        kind: 'answer',
        payload: { index },
        delayMs: 20 + (index % 10) * 10,
      })),
    },
    {
      onMethodRequest() {
        received++
        if (next !== undefined && received >= next.count) next.reached()
      },
    },
  )
  try {
    await fleet.connect()
    const scheduled = await client.execute(ScheduleMethod, {
      input: {
        jobId: 'killed',
        queryCondition: "tags.fleet = 'kill'",
        // Long enough for devices that a busy machine delays.
        cloudToDeviceMethod: { methodName: 'reboot', responseTimeoutInSeconds: 30 },
        maxExecutionTimeInSeconds: 900,
      },
    })
    expect(scheduled.scheduleDeviceMethod).toEqual({ job: { jobId: 'killed' } })

    for (const count of killCount) {
      await receivedCalls(count)
      await hub.kill()
      hub = await start()
    }

    // Followed to the end over a socket of the last run, then compared device by device.
    const versions: number[] = []
    for await (const { deviceJobStatistics } of client.subscribe(WatchStatistics, { jobId: 'killed' })) {
      if (!deviceJobStatistics.deviceJobStatistics) throw new Error('The job has no counters.')
      const { deviceCount, ...counts } = deviceJobStatistics.deviceJobStatistics
      expect(
        Object.values(counts).reduce<number>((sum, value) => sum + (typeof value === 'number' ? value : 0), 0),
      ).toBe(deviceCount)
      versions.push(deviceJobStatistics.version)
    }
    expect(versions).toEqual([...versions].sort((a, b) => a - b))

    const job = await readDeviceJobs(client, 'killed')
    const called = new Set(fleet.ledger.entries.map((entry) => entry.deviceId))
    expect(fleet.ledger.entries).toHaveLength(called.size)
    expect(job.nodes).toHaveLength(fleetSize)
    for (const { deviceId, status, outcome, error } of job.nodes) {
      if (status === 'COMPLETED') {
        // What it says of a device is what the device said.
        expect(called).toContain(deviceId)
        expect(outcome).toEqual({ status: 200, payload: { index: Number(deviceId.slice(5)) } })
      } else {
        // Marked before a kill and not answered after it: it may have been called, and will not be again.
        expect({ deviceId, status, code: error?.code }).toEqual({ deviceId, status: 'FAILED', code: 'OutcomeUnknown' })
      }
    }
    const succeeded = job.nodes.filter((node) => node.status === 'COMPLETED').length
    expect(job).toMatchObject({
      status: 'COMPLETED',
      deviceJobStatistics: {
        deviceCount: fleetSize,
        succeededCount: succeeded,
        failedCount: fleetSize - succeeded,
        pendingCount: 0,
        runningCount: 0,
      },
    })
    // A kill leaves no more unknown than was under way.
    expect(fleetSize - succeeded).toBeLessThanOrEqual(killCount.length * 40)
  } finally {
    client.close()
    await fleet.close()
    expect(await hub.stop()).toBe(0)
    await rm(folder, { recursive: true, force: true })
  }
})
