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
import { PauseJob, ResumeJob, ScheduleMethod, WatchStatistics } from './operations.ts'

const fleetSize = 300
/** Calls in flight at a time, of the hub and of the job. */
const atOnce = 30
const maxConcurrent = 20

test('a pause outlives a kill, and after kills in and after the pause every device was called once at most', {
  timeout: 240_000,
}, async () => {
  const database = await createTestDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'twincast-pause-'))
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
      devices: await registerFleet(client, 'pause', fleetSize, () => ({ kind: 'answer', payload: null, delayMs: 50 })),
    },
    {
      onMethodRequest() {
        received++
        if (next !== undefined && received >= next.count) next.reached()
      },
    },
  )
  const state = async () => {
    const { nodes, ...job } = await readDeviceJobs(client, 'paused')
    return { nodes, ...job }
  }
  /** Reads the job until no call is in flight: answered, or given up at its deadline. */
  const calm = async () => {
    for await (const { deviceJobStatistics } of client.subscribe(WatchStatistics, { jobId: 'paused' })) {
      if (deviceJobStatistics.deviceJobStatistics?.runningCount === 0) return
    }
  }
  try {
    await fleet.connect()
    await client.execute(ScheduleMethod, {
      input: {
        jobId: 'paused',
        queryCondition: "tags.fleet = 'pause'",
        rollout: { maxConcurrent },
        cloudToDeviceMethod: { methodName: 'reboot', responseTimeoutInSeconds: 5 },
      },
    })
    await receivedCalls(60)
    const { pauseJob } = await client.execute(PauseJob, { input: { jobId: 'paused' } })
    if (pauseJob?.__typename !== 'PauseJobPayload') throw new Error('The job was not paused.')
    expect(pauseJob.callsInProgress).toBeLessThanOrEqual(maxConcurrent)
    await hub.kill()
    hub = await start()
    await calm()

    const paused = await state()
    const called = received
    expect(paused.status).toBe('PAUSED')
    // Calls of the killed process may have left or not: they have ended. All others wait.
    expect(paused.deviceJobStatistics?.pendingCount).toBe(
      fleetSize - paused.nodes.filter((node) => node.status !== 'PENDING').length,
    )
    expect(called).toBeLessThanOrEqual(fleetSize - (paused.deviceJobStatistics?.pendingCount ?? 0))

    await client.execute(ResumeJob, { input: { jobId: 'paused' } })
    await receivedCalls(called + 60)
    await hub.kill()
    hub = await start()
    for await (const _ of client.subscribe(WatchStatistics, { jobId: 'paused' }));
    const ended = await state()
    const devices = fleet.ledger.entries.map(({ deviceId }) => deviceId)
    expect(new Set(devices).size).toBe(devices.length)
    expect(ended).toMatchObject({
      status: 'COMPLETED',
      deviceJobStatistics: { deviceCount: fleetSize, pendingCount: 0 },
    })
    const unknown = ended.nodes.filter(({ error }) => error?.code === 'OutcomeUnknown')
    expect(ended.deviceJobStatistics?.succeededCount).toBe(fleetSize - unknown.length)
    expect(unknown.length).toBeLessThanOrEqual(2 * maxConcurrent)
  } finally {
    client.close()
    await fleet.close()
    expect(await hub.stop()).toBe(0)
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  }
})
