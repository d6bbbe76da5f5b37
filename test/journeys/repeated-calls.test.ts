import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { expect, test } from 'vitest'
import { signSasToken } from '../../src/access/sas.ts'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { methodResponseTopic, methodsFilter } from '../../src/mqtt/topics.ts'
import { createTestDatabase } from '../support/database.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { startHubProcess } from '../support/hub-process.ts'
import { freePorts } from '../support/ports.ts'
import { ScheduleMethod, WatchStatistics } from './operations.ts'

const jobId = 'repeated'
const answers = [503, 503, 200]
/** Long enough to kill the hub between two attempts on a busy machine. */
const backoffSeconds = 8

test('a device that refuses twice and then succeeds is called three times, although the hub is killed in between', {
  timeout: 240_000,
}, async () => {
  const database = await createTestDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'twincast-repeated-'))
  const [http = 0, https = 0, mqttPort = 0, mqtts = 0] = await freePorts(4)
  const start = () =>
    startHubProcess({
      DATABASE_URL: database.url,
      DATA_DIR: folder,
      HTTP_PORT: String(http),
      HTTPS_PORT: String(https),
      MQTT_PORT: String(mqttPort),
      MQTTS_PORT: String(mqtts),
    })
  let hub = await start()
  const client = createHubClient({ url: hub.addresses.graphql })
  const [identity] = await registerFleet(client, 'repeat', 1, () => ({ kind: 'silent' }))
  const resource = `localhost/devices/${identity?.deviceId}`
  const device = mqtt.connect(`mqtt://127.0.0.1:${mqttPort}`, {
    clientId: identity?.deviceId ?? '',
    username: `localhost/${identity?.deviceId}/?api-version=2021-04-12`,
    password: signSasToken({
      resource,
      key: identity?.primaryKey ?? '',
      expiry: Math.floor(Date.now() / 1000) + 600,
    }),
    reconnectPeriod: 100,
  })
  const requestIds: string[] = []
  device.on('error', () => {}) // while the hub is away
  device.on('message', (topic) => {
    const requestId = new URLSearchParams(topic.slice(topic.indexOf('?') + 1)).get('$rid') ?? ''
    const status = answers[requestIds.length] ?? 500
    requestIds.push(requestId)
    device.publish(methodResponseTopic(status, requestId), '"ok"')
  })
  try {
    await new Promise<void>((connected) => device.once('connect', () => connected()))
    await device.subscribeAsync(methodsFilter)
    await client.execute(ScheduleMethod, {
      input: {
        jobId,
        queryCondition: "tags.fleet = 'repeat'",
        cloudToDeviceMethod: { methodName: 'reboot', responseTimeoutInSeconds: 60 },
        rollout: { retry: { maxAttempts: 3, on: ['503'], backoffSeconds, factor: 1 } },
      },
    })
    for await (const { deviceJobStatistics } of client.subscribe(WatchStatistics, { jobId })) {
      const counts = deviceJobStatistics.deviceJobStatistics
      if (requestIds.length === 1 && counts?.pendingCount === 1 && counts.runningCount === 0) break
    }
    await hub.kill()
    hub = await start()
    for await (const _ of client.subscribe(WatchStatistics, { jobId }));
    expect(new Set(requestIds).size).toBe(3)
    expect(requestIds).toHaveLength(3)
    expect(await readDeviceJobs(client, jobId)).toMatchObject({
      status: 'COMPLETED',
      deviceJobStatistics: { deviceCount: 1, succeededCount: 1, failedCount: 0 },
      nodes: [{ outcome: { status: 200 }, error: null }],
    })
  } finally {
    await device.endAsync(true)
    client.close()
    expect(await hub.stop()).toBe(0)
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  }
})
